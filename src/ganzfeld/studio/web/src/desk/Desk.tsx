import "./desk.css";
import "./knobs.css";
import "./snapshots.css";
import "./menu.css";
import "./pad.css";
import "./learning.css";
import { useState } from "react";
import { atDesk, toggleLearning, useShow } from "../live/show";
import type { Desk as DeskState } from "../live/wire";
import { Bin } from "./Bin";
import { Fade } from "./Fade";
import { Knobs } from "./Knobs";
import { LessonLine } from "./LessonLine";
import { Pad } from "./Pad";
import { Snapshots } from "./Snapshots";

/** Knobs and snapshots, at the foot of the page. */
export function Desk() {
  const desk = useShow((show) => show.desk);
  const [pad, setPad] = useState(false);
  if (!desk) return null;
  const { lesson, snapshots } = desk;
  const isChosen = (target: string) => (lesson ? lesson.target === target : null);
  return (
    <section className={lesson ? "desk learning" : "desk"} aria-label="Desk">
      {pad && snapshots.length > 0 && <Pad snapshots={snapshots} at={desk.at} />}
      {lesson && <LessonLine />}
      <Knobs knobs={desk.knobs} isChosen={isChosen} />
      <Snapshots desk={desk} isChosen={isChosen} />
      <div className="strip">
        {snapshots.length > 0 && <Fade fade={desk.fade} />}
        {snapshots.length > 1 && <Plain word="pad" pressed={pad} press={() => setPad(!pad)} />}
        <Plain
          word="learn"
          pressed={lesson !== null}
          title="Touch a control, then what it is to turn, or the other way round"
          press={toggleLearning}
        />
        <Undo desk={desk} />
        <Bin bin={desk.bin} />
      </div>
    </section>
  );
}

function Undo({ desk }: { desk: DeskState }) {
  if (desk.undoes === "") return null;
  return (
    <Plain
      word={`undo: ${desk.undoes}`}
      title="Of what was done to the snapshots"
      press={() => atDesk({ kind: "snapshot", do: "undo" })}
    />
  );
}

interface PlainProps {
  word: string;
  title?: string;
  pressed?: boolean;
  press(): void;
}

function Plain({ word, title, pressed, press }: PlainProps) {
  return (
    <button
      type="button"
      className="plain"
      aria-pressed={pressed}
      title={title}
      onMouseDown={(event) => event.preventDefault()}
      onClick={press}
    >
      {word}
    </button>
  );
}
