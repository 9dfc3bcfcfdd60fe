import { useState } from "react";
import { useShow } from "../live/show";

const SEEN = "ganzfeld.tips";

function wereSeen(): boolean {
  try {
    return localStorage.getItem(SEEN) !== null;
  } catch {
    return true; // a browser that keeps nothing would show them for ever
  }
}

/** Three things to try, once in a browser. */
export function Tips() {
  const [gone, setGone] = useState(wereSeen);
  const hasKnobs = useShow((show) => (show.desk?.knobs.length ?? 0) > 0);
  const shows = useShow((show) => show.shown !== null);
  // Dice that propose a line need the room.
  const rolls = useShow((show) => (show.status?.rolled ?? "") !== "");
  if (gone || !shows || rolls) return null;
  const close = () => {
    localStorage.setItem(SEEN, "yes");
    setGone(true);
  };
  return (
    <section className="tips" aria-label="Three things to try" data-testid="tips">
      <h2>Three things to try</h2>
      <ol>
        <li>
          {hasKnobs ? (
            <>
              <b>Turn a knob</b>: drag it up and down, or use the wheel.
            </>
          ) : (
            <>
              <b>Drag a number</b> in the text to the left or right.
            </>
          )}
        </li>
        <li>
          <b>Roll the dice</b> for a bend you did not expect.
        </li>
        <li>
          <b>Store</b> what you like, and click its picture to come back.
        </li>
      </ol>
      <button type="button" onClick={close}>
        got it
      </button>
    </section>
  );
}
