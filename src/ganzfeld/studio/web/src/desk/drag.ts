import { type PointerEvent, useEffect, useRef, useState } from "react";

/** Calls `send` with the newest value, once a display refresh: a hand is faster than any show. */
export function useNewest<Value>(send: (value: Value) => void): (value: Value) => void {
  const waiting = useRef<{ value: Value } | null>(null);
  const latest = useRef(send);
  latest.current = send;
  return useRef((value: Value) => {
    if (waiting.current) {
      waiting.current.value = value;
      return;
    }
    waiting.current = { value };
    requestAnimationFrame(() => {
      const ready = waiting.current;
      waiting.current = null;
      if (ready) latest.current(ready.value);
    });
  }).current;
}

/** What the hand holds, until the show has had the time to say the same. */
export function useHeld<Value>(): [Value | null, (value: Value) => void, () => void] {
  const [held, setHeld] = useState<Value | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const hold = (value: Value) => {
    clearTimeout(timer.current);
    setHeld(value);
  };
  const letGo = () => {
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setHeld(null), 400);
  };
  return [held, hold, letGo];
}

/** The pointer stays with the element until it is lifted, wherever it goes. */
export function capture(event: PointerEvent<Element>): void {
  event.preventDefault();
  event.currentTarget.setPointerCapture(event.pointerId);
}
