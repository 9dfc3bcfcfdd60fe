import { useState } from "react";
import { currentView, setView, useShow } from "../live/show";
import { HEIGHTS, RATES, type View } from "../live/view";

/** How large and how often this window's picture comes: a small one leaves a slow line, or a phone, more room. */
export function ViewChoice() {
  const [view, choose] = useState<View>(currentView);
  const shown = useShow((show) => show.shown);
  const status = useShow((show) => show.status);
  const take = (next: View) => {
    choose(next);
    setView(next);
  };
  return (
    <>
      <Choice
        word="height"
        all="as it is made"
        unit="pixels"
        values={HEIGHTS}
        value={view.height}
        choose={(height) => take({ ...view, height })}
      />
      <Choice
        word="rate"
        all="every picture"
        unit="a second"
        values={RATES}
        value={view.fps}
        choose={(fps) => take({ ...view, fps })}
      />
      {shown && status && (
        <p className="door-note">
          This window shows {shown.width}×{shown.height}, {shown.fps.toFixed(0)} of {status.fps.toFixed(0)}{" "}
          pictures a second. What leaves through doors is not touched by this.
        </p>
      )}
    </>
  );
}

interface ChoiceProps {
  word: string;
  all: string;
  unit: string;
  values: readonly number[];
  value: number | null;
  choose(value: number | null): void;
}

function Choice({ word, all, unit, values, value, choose }: ChoiceProps) {
  const every: (number | null)[] = [null, ...values];
  return (
    <fieldset className="choice">
      <legend>{word}</legend>
      {every.map((each) => (
        <button
          type="button"
          key={each ?? 0}
          aria-pressed={each === value}
          title={each === null ? all : `${each} ${unit}`}
          onClick={() => choose(each)}
        >
          {each ?? all}
        </button>
      ))}
    </fieldset>
  );
}
