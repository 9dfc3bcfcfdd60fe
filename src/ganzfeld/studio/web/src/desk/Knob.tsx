import { type KeyboardEvent, type PointerEvent, useRef } from "react";
import { atDesk } from "../live/show";
import type { KnobOnDesk } from "../live/wire";
import { nameOf, turnedTo, written } from "./curve";
import { capture, useHeld, useNewest } from "./drag";

/** Pixels from one end to the other; ten times as many with Shift. */
const TRAVEL = 170;
const FINE = 10;
const START = 135;
const SWEEP = 270;
const RADIUS = 19;

/** A dial that is dragged up and down. While a control is learned, a click chooses it. */
export function Knob({ knob, chosen }: { knob: KnobOnDesk; chosen: boolean | null }) {
  const [held, hold, letGo] = useHeld<number>();
  const drag = useRef<{ y: number; position: number } | null>(null);
  const send = useNewest((position: number) =>
    atDesk({ kind: "turn", address: knob.address, value: turnedTo(knob, position) }),
  );
  const position = held ?? knob.position;
  const value = held === null ? knob.value : turnedTo(knob, held);
  const learns = chosen !== null;

  const turn = (to: number) => {
    const next = Math.min(Math.max(to, 0), 1);
    hold(next);
    send(next);
  };
  const press = (event: PointerEvent<HTMLDivElement>) => {
    if (event.button !== 0) return;
    capture(event);
    if (learns) atDesk({ kind: "learn", target: knob.address });
    else drag.current = { y: event.clientY, position };
  };
  const move = (event: PointerEvent<HTMLDivElement>) => {
    const from = drag.current;
    if (!from) return;
    const reach = event.shiftKey ? TRAVEL * FINE : TRAVEL;
    from.position = Math.min(Math.max(from.position + (from.y - event.clientY) / reach, 0), 1);
    from.y = event.clientY;
    turn(from.position);
  };
  const lift = () => {
    drag.current = null;
    letGo();
  };
  const key = (event: KeyboardEvent) => {
    const steps = { ArrowUp: 0.01, ArrowRight: 0.01, ArrowDown: -0.01, ArrowLeft: -0.01 }[event.key];
    if (event.key === "Enter" && learns) atDesk({ kind: "learn", target: knob.address });
    else if (steps !== undefined) turn(position + steps);
    else return;
    event.preventDefault();
    event.stopPropagation();
    letGo();
  };

  return (
    <div
      className={`knob by-${knob.by}${learns ? " learnable" : ""}${chosen ? " chosen" : ""}`}
      role="slider"
      tabIndex={0}
      aria-label={nameOf(knob.address)}
      aria-valuemin={knob.low}
      aria-valuemax={knob.high}
      aria-valuenow={value}
      title={`${knob.address}, ${knob.low} to ${knob.high}. Double click: as the text says.`}
      onPointerDown={press}
      onPointerMove={move}
      onPointerUp={lift}
      onPointerCancel={lift}
      onDoubleClick={() => atDesk({ kind: "release", address: knob.address })}
      onKeyDown={key}
    >
      <svg viewBox="0 0 48 48" aria-hidden="true">
        <path className="track" d={arc(0, 1)} />
        <path className="level" d={arc(Math.min(position, origin(knob)), Math.max(position, origin(knob)))} />
        <circle className="hand" {...at(position)} r="3.6" />
      </svg>
      <span className="knob-words">
        <span className="knob-name">{nameOf(knob.address)}</span>
        <span className="knob-value">{written(knob, value)}</span>
        {knob.midi && <span className="control">{knob.midi}</span>}
      </span>
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
