import { atDesk, toggleLearning, useShow } from "../live/show";
import { nameOf } from "./curve";

/** What is still to be done for a control to be learned. */
export function LessonLine() {
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
            Touch a control, or pick one under inputs, for <b>{what}</b>
          </>
        ) : control ? (
          <>
            <b>{control.replace("osc ", "")}</b>: click what it is to turn
          </>
        ) : (
          "Touch a control (or pick one under inputs), and click a knob, a snapshot or a number in the text"
        )}
      </span>
      {(knob?.midi || knob?.osc) && (
        <button
          type="button"
          onClick={() => {
            atDesk({ kind: "learn", target: knob.address, do: "forget" });
            atDesk({ kind: "learn", do: "stop" });
          }}
        >
          forget {[knob.midi, knob.osc].filter(Boolean).join(", ")}
        </button>
      )}
      <button type="button" onClick={toggleLearning}>
        <kbd>Esc</kbd>never mind
      </button>
    </div>
  );
}
