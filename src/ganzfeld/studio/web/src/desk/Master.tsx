import "./master.css";
import { useState } from "react";
import { useShow } from "../live/show";
import { useHeld, useNewest } from "./drag";
import { FADES, masterOf, setLevel, toggleBlack, toggleFreeze } from "./master";

/** Level, black and freeze of what leaves: of all doors, or of one. */
export function Master() {
  const status = useShow((show) => show.status);
  const [chosen, setChosen] = useState<string | null>(null);
  const [fade, setFade] = useState<number>(FADES[1]);
  if (!status) return null;
  const doors = status.doors.map((door) => door.name);
  // A door that was closed meanwhile is no choice any more.
  const door = chosen !== null && doors.includes(chosen) ? chosen : null;
  const { level, black, frozen } = masterOf(status, door);
  return (
    <fieldset className="master" data-testid="master">
      <legend>master</legend>
      {doors.length > 1 && (
        <select
          aria-label="What the master moves"
          value={door ?? ""}
          onChange={(event) => setChosen(event.target.value || null)}
        >
          <option value="">all doors</option>
          {doors.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      )}
      <Level key={door ?? ""} level={level} set={(value) => setLevel(value, door)} />
      <button
        type="button"
        className="black"
        aria-pressed={black > 0.5}
        title="Black for the audience, and back (Ctrl+.)"
        onClick={() => toggleBlack(fade, door)}
      >
        {black > 0 && black < 1 && <span className="arriving" style={{ transform: `scaleX(${black})` }} />}
        <span>black</span>
      </button>
      <select
        aria-label="Seconds in which black comes and goes"
        title="How long black takes to come and go"
        value={fade}
        onChange={(event) => setFade(Number(event.target.value))}
      >
        {FADES.map((seconds) => (
          <option key={seconds} value={seconds}>
            {seconds === 0 ? "at once" : `${seconds} s`}
          </option>
        ))}
      </select>
      <button
        type="button"
        className="freeze"
        aria-pressed={frozen}
        title="The audience keeps the last picture (Ctrl+Shift+.)"
        onClick={() => toggleFreeze(door)}
      >
        freeze
      </button>
    </fieldset>
  );
}

/** A fader from 0 to 100 %. Double-click: all of it. */
export function Level({ level, set }: { level: number; set(value: number): void }) {
  const [held, hold, letGo] = useHeld<number>();
  const send = useNewest(set);
  const value = held ?? level;
  const turn = (next: number) => {
    hold(next);
    send(next);
    letGo();
  };
  return (
    <label className="level">
      <input
        type="range"
        min={0}
        max={1}
        step={0.01}
        aria-label="Master level"
        aria-valuetext={`${Math.round(100 * value)} %`}
        value={value}
        onChange={(event) => turn(Number(event.target.value))}
        onDoubleClick={() => turn(1)}
      />
      <output>{Math.round(100 * value)} %</output>
    </label>
  );
}
