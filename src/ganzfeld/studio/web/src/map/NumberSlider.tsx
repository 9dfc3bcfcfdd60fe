import { type KeyboardEvent, type PointerEvent, useRef } from "react";
import { positionAt, valueAt, written } from "../desk/curve";
import { capture, useHeld, useNewest } from "../desk/drag";
import { atDesk, useShow } from "../live/show";
import type { Curve, Driver, MapNode, MapNumber } from "../live/wire";
import { nameOf, short, writeTurned } from "./acts";
import { useValue } from "./values";

const STEP = 0.01;
const FINE = 10;
const KEYS: Record<string, number> = {
  ArrowRight: STEP,
  ArrowUp: STEP,
  ArrowLeft: -STEP,
  ArrowDown: -STEP,
  PageUp: 10 * STEP,
  PageDown: -10 * STEP,
};

export type By = Driver | "hand" | "snapshot";

interface Known {
  /** null: it is not known, or there are several. */
  value: number | null;
  /** It has a value for each channel, or for each thing that its line reaches: from this to that. */
  between?: readonly [number, number];
  by: By;
  held: boolean;
}

/** What a number stands at, and who has brought it there. */
export function useNumber(number: MapNumber): Known {
  const { address } = number;
  const held = useShow((show) => (address && show.desk ? show.desk.held[address] : undefined));
  const mixed = useShow((show) => show.desk?.mixed.includes(address) ?? false);
  const knob = useShow((show) => show.desk?.knobs.find((each) => each.address === address));
  const moves = number.by !== "text" && held === undefined && !knob;
  const now = useValue(moves ? address : "");
  if (knob) {
    const by = knob.by === "text" ? number.by : knob.by;
    return { value: knob.value, by, held: by === "hand" || by === "snapshot" };
  }
  if (held !== undefined)
    return { value: typeof held === "number" ? held : null, by: mixed ? "snapshot" : "hand", held: true };
  if (moves && Array.isArray(now)) {
    const flat = (now as unknown[]).flat(2).filter((each) => typeof each === "number") as number[];
    const between = flat.length > 0 ? ([Math.min(...flat), Math.max(...flat)] as const) : undefined;
    return { value: null, between, by: number.by, held: false };
  }
  return { value: moves ? (now as number | null) : number.value, by: number.by, held: false };
}

/** A number under a hand. What the text says as a plain number is written there; what follows something else is held,
 * until it is given back. */
export function NumberSlider({ node, number }: { node: MapNode; number: MapNumber }) {
  const known = useNumber(number);
  const curve = useShow(
    (show): Curve => show.desk?.knobs.find((each) => each.address === number.address)?.curve ?? 1,
  );
  const [held, hold, letGo] = useHeld<number>();
  /** Where the hand has come to, and who had turned the number before the hand did. */
  const newest = useRef<{ value: number; before: By } | null>(null);
  const drag = useRef<{ x: number; position: number } | null>(null);
  const send = useNewest((value: number) => atDesk({ kind: "turn", address: number.address, value }));

  const range = { low: number.low ?? 0, high: number.high ?? 1, curve };
  const value = held ?? known.value;
  const position = value === null ? null : positionAt(range, value);

  const turn = (to: number) => {
    const next = Number(valueAt(range, to).toPrecision(4));
    newest.current = { value: next, before: newest.current?.before ?? known.by };
    hold(next);
    send(next);
  };
  const end = () => {
    drag.current = null;
    const turned = newest.current;
    newest.current = null;
    letGo();
    if (turned?.before !== "text" || number.kind === "knob") return;
    // After the last turn has been sent: letting go ends it.
    requestAnimationFrame(() => void writeTurned(node.name, number, short(turned.value)));
  };
  const press = (event: PointerEvent<HTMLElement>) => {
    if (event.button !== 0) return;
    event.stopPropagation();
    capture(event);
    event.currentTarget.focus({ preventScroll: true });
    drag.current = { x: event.clientX, position: position ?? 0.5 };
  };
  const move = (event: PointerEvent<HTMLElement>) => {
    const from = drag.current;
    if (!from || event.clientX === from.x) return;
    const reach = event.currentTarget.getBoundingClientRect().width * (event.shiftKey ? FINE : 1);
    from.position = Math.min(Math.max(from.position + (event.clientX - from.x) / reach, 0), 1);
    from.x = event.clientX;
    turn(from.position);
  };
  const key = (event: KeyboardEvent) => {
    const step = KEYS[event.key];
    if (step !== undefined)
      turn(Math.min(Math.max((position ?? 0.5) + step / (event.shiftKey ? FINE : 1), 0), 1));
    else if (event.key === "Home" || event.key === "End") turn(event.key === "Home" ? 0 : 1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const reset = () => {
    letGo();
    newest.current = null;
    if (known.by === "text") void writeTurned(node.name, number, "");
    else atDesk({ kind: "release", address: number.address });
  };

  const [low, high] = known.between ?? [];
  const several = low !== undefined && high !== undefined;
  const words = value !== null ? written(range, value) : several ? `${few(low)}–${few(high)}` : "…";
  const label = [number.line || nameOf(node.name), number.name].filter(Boolean).join(" ");
  return (
    <div
      className={`map-slider by-${known.by}`}
      role="slider"
      tabIndex={0}
      aria-label={label}
      aria-valuemin={range.low}
      aria-valuemax={range.high}
      aria-valuenow={value ?? range.low}
      aria-valuetext={`${words}${number.unit ? ` ${number.unit}` : ""}, ${WHO[known.by]}`}
      title={`${number.doc} ${range.low} to ${range.high}. Fine with Shift; double click: as it was.`}
      onPointerDown={press}
      onPointerMove={move}
      onPointerUp={end}
      onPointerCancel={end}
      onDoubleClick={(event) => {
        event.stopPropagation();
        reset();
      }}
      onKeyDown={key}
      onKeyUp={(event) => (event.key in KEYS || event.key === "Home" || event.key === "End") && end()}
    >
      {position !== null && <i style={{ width: `${position * 100}%` }} />}
      {position === null && several && (
        <i
          style={{
            left: `${positionAt(range, low) * 100}%`,
            width: `${(positionAt(range, high) - positionAt(range, low)) * 100}%`,
          }}
        />
      )}
      <span>{words}</span>
    </div>
  );
}

/** Who turns a number, in a word for the mark on it. */
export const WORDS: Record<By, string> = {
  text: "text",
  formula: "f(t)",
  knob: "knob",
  midi: "midi",
  osc: "osc",
  sound: "sound",
  hand: "hand",
  snapshot: "snap",
};

export const WHO: Record<By, string> = {
  text: "a number in the text",
  formula: "a formula in the text",
  knob: "follows a knob",
  midi: "by MIDI",
  osc: "by OSC",
  sound: "follows sound",
  hand: "held by a hand",
  snapshot: "held by a snapshot",
};

function few(value: number): string {
  return String(Number(value.toPrecision(2)));
}
