/** Snapshots dragged into another order. */

import { type PointerEvent, useRef, useState } from "react";

/** Pixels that a pointer moves before a press is a drag and no click. */
export const DRAG_FROM = 8;

/** Where among the others something goes that is let go at `x`, `y`: boxes of the others, in order, in reading lines. */
export function placeAmong(
  boxes: readonly { left: number; right: number; top: number; bottom: number }[],
  x: number,
  y: number,
): number {
  for (const [index, box] of boxes.entries()) {
    if (y < box.top || (y <= box.bottom && x < (box.left + box.right) / 2)) return index;
  }
  return boxes.length;
}

/** The handlers of one thing that can be dragged. `others`: the elements it is dragged among, without itself. */
export function useOrderDrag(others: () => Element[], drop: (place: number) => void) {
  const from = useRef<{ x: number; y: number } | null>(null);
  const [shift, setShift] = useState<{ x: number; y: number } | null>(null);
  const dragged = useRef(false);
  const end = () => {
    from.current = null;
    setShift(null);
  };
  return {
    shift,
    /** True once after a drag: the click that follows it is none. */
    wasDragged() {
      const was = dragged.current;
      dragged.current = false;
      return was;
    },
    handlers: {
      onPointerDown(event: PointerEvent<HTMLElement>) {
        dragged.current = false;
        if (event.button === 0 && event.pointerType !== "touch")
          from.current = { x: event.clientX, y: event.clientY };
      },
      onPointerMove(event: PointerEvent<HTMLElement>) {
        if (!from.current) return;
        const by = { x: event.clientX - from.current.x, y: event.clientY - from.current.y };
        if (shift === null && Math.hypot(by.x, by.y) < DRAG_FROM) return;
        if (shift === null) event.currentTarget.setPointerCapture(event.pointerId);
        dragged.current = true;
        setShift(by);
      },
      onPointerUp(event: PointerEvent<HTMLElement>) {
        if (shift !== null) {
          const boxes = others().map((each) => each.getBoundingClientRect());
          drop(placeAmong(boxes, event.clientX, event.clientY));
        }
        end();
      },
      onPointerCancel: end,
    },
  };
}
