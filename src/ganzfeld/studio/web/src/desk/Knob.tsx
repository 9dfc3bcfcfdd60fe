import { atDesk } from "../live/show";
import type { KnobOnDesk } from "../live/wire";
import { nameOf, written } from "./curve";
import { KnobValue } from "./KnobValue";
import { useTurning } from "./turning";

const START = 135;
const SWEEP = 270;
const RADIUS = 19;

/** A dial that is dragged up and down, wheeled or typed. While a control is learned, a click chooses it. */
export function Knob({ knob, chosen }: { knob: KnobOnDesk; chosen: boolean | null }) {
  const { position, value, wheel, press, move, lift, key, type, reset } = useTurning(knob);
  const learns = chosen !== null;
  const learn = () => atDesk({ kind: "learn", target: knob.address });
  return (
    <div
      ref={wheel}
      className={`knob by-${knob.by}${learns ? " learnable" : ""}${chosen ? " chosen" : ""}`}
      title={`${knob.address}, ${knob.low} to ${knob.high}. Drag, wheel or arrow keys; fine with Shift. Double-click: as the text says.`}
    >
      <div
        className="dial"
        role="slider"
        tabIndex={0}
        aria-label={nameOf(knob.address)}
        aria-valuemin={knob.low}
        aria-valuemax={knob.high}
        aria-valuenow={value}
        aria-valuetext={`${written(knob, value)}${knob.by === "text" ? "" : `, by ${knob.by}`}`}
        onPointerDown={(event) => (learns && event.button === 0 ? learn() : press(event))}
        onPointerMove={move}
        onPointerUp={lift}
        onPointerCancel={lift}
        onDoubleClick={reset}
        onKeyDown={(event) => (event.key === "Enter" && learns ? learn() : key(event))}
      >
        <svg viewBox="0 0 48 48" aria-hidden="true">
          <path className="track" d={arc(0, 1)} />
          <path
            className="level"
            d={arc(Math.min(position, origin(knob)), Math.max(position, origin(knob)))}
          />
          <circle className="hand" {...at(position)} r="3.6" />
        </svg>
        <span className="knob-name">{nameOf(knob.address)}</span>
      </div>
      <KnobValue name={nameOf(knob.address)} value={value} words={written(knob, value)} take={type} />
      {knob.midi && <span className="control">{knob.midi}</span>}
    </div>
  );
}

/** Where the arc begins: at 0, if that is inside the range. */
function origin({ low, high, curve }: KnobOnDesk): number {
  if (curve !== 1 || low * high >= 0) return 0;
  return -low / (high - low);
}

function at(position: number): { cx: number; cy: number } {
  const angle = ((START + SWEEP * position) * Math.PI) / 180;
  return { cx: 24 + RADIUS * Math.cos(angle), cy: 24 + RADIUS * Math.sin(angle) };
}

function arc(from: number, to: number): string {
  const start = at(from);
  const end = at(to);
  const long = (to - from) * SWEEP > 180 ? 1 : 0;
  return `M ${start.cx} ${start.cy} A ${RADIUS} ${RADIUS} 0 ${long} 1 ${end.cx} ${end.cy}`;
}
