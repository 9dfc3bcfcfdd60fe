import { useEffect } from "react";
import { act } from "./modes";

/** So far the pointer has to move, in pixels: a table that trembles shows nothing to the audience. */
const FAR = 24;

/** A hidden interface comes back when the pointer is moved, or a finger taps. */
export function useComingBack(hidden: boolean): void {
  useEffect(() => {
    if (!hidden) return;
    let moved = 0;
    const move = (event: PointerEvent) => {
      moved += Math.abs(event.movementX) + Math.abs(event.movementY);
      if (moved > FAR) act("show interface");
    };
    const tap = () => act("show interface");
    addEventListener("pointermove", move);
    addEventListener("pointerdown", tap);
    return () => {
      removeEventListener("pointermove", move);
      removeEventListener("pointerdown", tap);
    };
  }, [hidden]);
}
