import { useEffect, useState } from "react";
import { atDesk } from "../live/show";
import type { Desk, Unit, When } from "../live/wire";

const UNITS: Record<Unit, string> = { seconds: "s", beats: "beats" };
const WHENS: Record<When, string> = { now: "now", beat: "on the beat", bar: "on the bar" };

/** How recalls arrive. */
export function Fade({ fade: [length, unit, when] }: { fade: Desk["fade"] }) {
  const [written, setWritten] = useState(String(length));
  useEffect(() => setWritten(String(length)), [length]);
  const say = (...fade: Desk["fade"]) => atDesk({ kind: "snapshot", do: "fade", arguments: fade });
  const take = () => {
    const wanted = Number.parseFloat(written.replace(",", "."));
    if (wanted >= 0 && wanted <= 3600) say(wanted, unit, when);
    else setWritten(String(length));
  };
  return (
    <fieldset className="fade">
      <legend>fade</legend>
      <input
        aria-label="Length of a fade"
        inputMode="decimal"
        value={written}
        onFocus={(event) => event.target.select()}
        onChange={(event) => setWritten(event.target.value)}
        onBlur={take}
        onKeyDown={(event) => event.key === "Enter" && event.currentTarget.blur()}
      />
      <select
        aria-label="Unit of a fade"
        value={unit}
        onChange={(event) => say(length, event.target.value as Unit, when)}
      >
        {Object.entries(UNITS).map(([value, word]) => (
          <option key={value} value={value}>
            {word}
          </option>
        ))}
      </select>
      <select
        aria-label="When a recall begins"
        value={when}
        onChange={(event) => say(length, unit, event.target.value as When)}
      >
        {Object.entries(WHENS).map(([value, word]) => (
          <option key={value} value={value}>
            {word}
          </option>
        ))}
      </select>
    </fieldset>
  );
}
