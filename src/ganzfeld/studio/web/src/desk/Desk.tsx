import "./desk.css";
import "./knobs.css";
import "./snapshots.css";
import "./pad.css";
import "./learning.css";
import { useState } from "react";
import { atDesk, toggleLearning, useShow } from "../live/show";
import { Chip } from "./Chip";
import { freeName, nameOf } from "./curve";
import { Fade } from "./Fade";
import { Knob } from "./Knob";
import { Pad } from "./Pad";

/** Knobs, snapshots and the pad between them, at the foot of the page. */
export function Desk() {
  const desk = useShow((show) => show.desk);
  const [pad, setPad] = useState(false);
  if (!desk) return null;
  const { knobs, snapshots, lesson, shown, share, waiting } = desk;
  const isChosen = (target: string) => (lesson ? lesson.target === target : null);
  const isText = Object.keys(desk.held).length === 0;
  return (
    <section className={lesson ? "desk learning" : "desk"} aria-label="Desk">
      {pad && snapshots.length > 0 && <Pad snapshots={snapshots} at={desk.at} />}
      {lesson && <LessonLine />}
      {knobs.length > 0 && (
        <div className="knobs">
          {knobs.map((knob) => (
            <Knob key={knob.address} knob={knob} chosen={isChosen(knob.address)} />
          ))}
        </div>
      )}
      <div className="snapshots">
        <div className={isText ? "chip shown" : "chip"}>
          <button
            type="button"
            className="recall"
            title="Give everything back to the text"
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => atDesk({ kind: "snapshot", do: "release", arguments: [] })}
          >
            <span className="chip-name">text</span>
          </button>
        </div>
        {snapshots.map((snapshot, index) => (
          <Chip
            key={snapshot.name}
            snapshot={snapshot}
            number={index + 1}
            shown={shown.length === 1 && shown[0] === snapshot.name && !isText}
            share={share}
            waits={waiting === snapshot.name}
            chosen={isChosen(`snapshot:${snapshot.name}`)}
          />
        ))}
        <button
          type="button"
          className="plain"
          title={
            desk.kept
              ? "Store what is shown"
              : "Store what is shown, until the show ends: the patch has no file"
          }
          onMouseDown={(event) => event.preventDefault()}
          onClick={() =>
            atDesk({
              kind: "snapshot",
              do: "store",
              arguments: [freeName(snapshots.map((each) => each.name))],
            })
          }
        >
          + store
        </button>
        {desk.deleted !== null && (
          <button
            type="button"
            className="plain"
            data-testid="undelete"
            title={`Have ${desk.deleted} back, as it was`}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => atDesk({ kind: "snapshot", do: "undelete", arguments: [] })}
          >
            undo: delete {desk.deleted}
          </button>
        )}
        <span className="gap" />
        {snapshots.length > 0 && <Fade fade={desk.fade} />}
        {snapshots.length > 1 && (
          <button
            type="button"
            className="plain"
            aria-pressed={pad}
            onMouseDown={(event) => event.preventDefault()}
            onClick={() => setPad(!pad)}
          >
            pad
          </button>
        )}
        <button
          type="button"
          className="plain"
          aria-pressed={lesson !== null}
          title="Touch a control, then what it is to turn, or the other way round"
          onMouseDown={(event) => event.preventDefault()}
          onClick={toggleLearning}
        >
          learn
        </button>
      </div>
    </section>
  );
}

/** What is still to be done for a control to be learned. */
function LessonLine() {
  const lesson = useShow((show) => show.desk?.lesson);
  const knob = useShow((show) => show.desk?.knobs.find((each) => each.address === show.desk?.lesson?.target));
  if (!lesson) return null;
  const { target, control } = lesson;
  const what = target?.startsWith("snapshot:") ? target.slice(9) : target && nameOf(target);
  return (
    <div className="lesson" role="status" data-testid="lesson">
      <span>
        {what ? (
          <>
            Touch a control for <b>{what}</b>
          </>
        ) : control ? (
          <>
            <b>{control}</b>: click what it is to turn
          </>
        ) : (
          "Touch a control, and click a knob, a snapshot or a number in the text"
        )}
      </span>
      {knob?.midi && (
        <button
          type="button"
          onClick={() => {
            atDesk({ kind: "learn", target: knob.address, do: "forget" });
            atDesk({ kind: "learn", do: "stop" });
          }}
        >
          forget {knob.midi}
        </button>
      )}
      <button type="button" onClick={toggleLearning}>
        <kbd>Esc</kbd>never mind
      </button>
    </div>
  );
}
