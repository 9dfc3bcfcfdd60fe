/** A knob under a hand: dragged, wheeled, moved by keys, typed. */

import { type KeyboardEvent, type PointerEvent, useCallback, useRef } from "react";
import { atDesk } from "../live/show";
import type { KnobOnDesk } from "../live/wire";
import { positionAt, turnedTo } from "./curve";
import { capture, useHeld, useNewest } from "./drag";

/** Pixels from one end to the other; ten times as many with Shift. */
const TRAVEL = 170;
const FINE = 10;
const STEP = 0.01;
const KEYS: Record<string, number> = {
  ArrowUp: STEP,
  ArrowRight: STEP,
  ArrowDown: -STEP,
  ArrowLeft: -STEP,
  PageUp: 10 * STEP,
  PageDown: -10 * STEP,
  Home: -1,
  End: 1,
};

export function clamped(position: number): number {
  return Math.min(Math.max(position, 0), 1);
}

/** What a turn of the wheel is, in positions: mice tell notches, trackpads tell pixels. */
export function wheelStep(event: {
  deltaY: number;
  deltaX: number;
  deltaMode: number;
  shiftKey: boolean;
}): number {
  // With Shift, browsers take the wheel for a sideways one.
  const turned = event.deltaY || event.deltaX;
  const notches = event.deltaMode === 0 ? turned / 100 : turned / 3;
  return (-notches * 2 * STEP) / (event.shiftKey ? FINE : 1);
}

export function useTurning(knob: KnobOnDesk) {
  const [held, hold, letGo] = useHeld<number>();
  const drag = useRef<{ y: number; position: number } | null>(null);
  const send = useNewest((position: number) =>
    atDesk({ kind: "turn", address: knob.address, value: turnedTo(knob, position) }),
  );
  const position = held ?? knob.position;
  const value = held === null ? knob.value : turnedTo(knob, held);

  const turn = (to: number) => {
    hold(clamped(to));
    send(clamped(to));
  };
  const newest = useRef({ position, turn, letGo });
  newest.current = { position, turn, letGo };

  /** To the element: a wheel that turns a knob must not scroll the row, which React's own listener cannot say. */
  const wheel = useCallback((element: HTMLElement | null) => {
    if (!element) return;
    const listen = (event: WheelEvent) => {
      event.preventDefault();
      const { position, turn, letGo } = newest.current;
      turn(position + wheelStep(event));
      letGo();
    };
    element.addEventListener("wheel", listen, { passive: false });
    return () => element.removeEventListener("wheel", listen);
  }, []);

  const press = (event: PointerEvent<HTMLElement>) => {
    if (event.button !== 0) return;
    capture(event);
    event.currentTarget.focus({ preventScroll: true });
    drag.current = { y: event.clientY, position };
  };
  const move = (event: PointerEvent<HTMLElement>) => {
    const from = drag.current;
    if (!from) return;
    const reach = event.shiftKey ? TRAVEL * FINE : TRAVEL;
    from.position = clamped(from.position + (from.y - event.clientY) / reach);
    from.y = event.clientY;
    turn(from.position);
  };
  const lift = () => {
    drag.current = null;
    letGo();
  };
  const key = (event: KeyboardEvent) => {
    const step = KEYS[event.key];
    if (step !== undefined) turn(position + (event.shiftKey ? step / FINE : step));
    else if (event.key === "Delete" || event.key === "Backspace") reset();
    else return;
    event.preventDefault();
    event.stopPropagation();
    letGo();
  };
  const type = (value: number) => {
    const low = Math.min(knob.low, knob.high);
    const high = Math.max(knob.low, knob.high);
    const wanted = Math.min(Math.max(value, low), high);
    hold(positionAt(knob, wanted));
    atDesk({ kind: "turn", address: knob.address, value: wanted });
    letGo();
  };
  const reset = () => {
    letGo();
    atDesk({ kind: "release", address: knob.address });
  };
  return { position, value, turn, wheel, press, move, lift, key, type, reset };
}
