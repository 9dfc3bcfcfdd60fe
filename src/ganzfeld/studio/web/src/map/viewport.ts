/** What of the map is seen, and how large: moved by a drag, the wheel, two fingers. Nothing of it is React's. */

import { type RefObject, useEffect, useRef } from "react";

export interface Sight {
  /** The map's corner in the window of the map, in pixels. */
  x: number;
  y: number;
  scale: number;
}

export const SMALLEST = 0.2;
export const LARGEST = 2;
const MARGIN = 18;
const SLACK = 6;
/** Nobody reads less: a map that is larger begins at its right end, where the outputs are. */
const LEGIBLE = 0.62;

export function clampedScale(scale: number): number {
  return Math.min(Math.max(scale, SMALLEST), LARGEST);
}

/** The same sight, `factor` as large, with the point under (x, y) where it is. */
export function zoomed(sight: Sight, factor: number, x: number, y: number): Sight {
  const scale = clampedScale(sight.scale * factor);
  const by = scale / sight.scale;
  return { scale, x: x - (x - sight.x) * by, y: y - (y - sight.y) * by };
}

/** All of a map in a window, unless it would be too small to be read. all: whatever size that is. */
export function fitting(
  map: { width: number; height: number },
  window: { width: number; height: number },
  all = false,
): Sight {
  const fit = Math.min(
    (window.width - 2 * MARGIN) / Math.max(map.width, 1),
    (window.height - 2 * MARGIN) / Math.max(map.height, 1),
  );
  const scale = Math.min(1, all ? clampedScale(fit) : Math.max(fit, LEGIBLE));
  const left = (length: number, room: number) => {
    const free = room - length * scale;
    return free >= 2 * MARGIN ? free / 2 : Math.min(MARGIN, free - MARGIN);
  };
  const top = window.height - map.height * scale;
  return {
    scale,
    x: left(map.width, window.width),
    y: top >= 2 * MARGIN ? top / 2 : MARGIN,
  };
}

/** The sight with a box of the map in it, moved as little as need be. */
export function showing(
  sight: Sight,
  box: { x: number; y: number; width: number; height: number },
  window: { width: number; height: number },
): Sight {
  const into = (at: number, start: number, length: number, room: number) => {
    const first = at + start * sight.scale;
    const last = first + length * sight.scale;
    if (first < MARGIN) return at + MARGIN - first;
    if (last > room - MARGIN) return at + Math.max(room - MARGIN - last, MARGIN - first);
    return at;
  };
  return {
    scale: sight.scale,
    x: into(sight.x, box.x, box.width, window.width),
    y: into(sight.y, box.y, box.height, window.height),
  };
}

export class Viewport {
  sight: Sight = { x: 0, y: 0, scale: 1 };
  private readonly box: HTMLElement;
  private readonly plane: HTMLElement;
  private readonly fingers = new Map<number, { x: number; y: number }>();
  private readonly stop = new AbortController();
  private moves = false;
  private pressed = { x: 0, y: 0 };

  constructor(box: HTMLElement, plane: HTMLElement) {
    this.box = box;
    this.plane = plane;
    const { signal } = this.stop;
    box.addEventListener("wheel", this.wheel, { passive: false, signal });
    box.addEventListener("pointerdown", this.press, { signal });
    box.addEventListener("pointermove", this.move, { signal });
    for (const end of ["pointerup", "pointercancel"] as const)
      box.addEventListener(end, this.lift, { signal });
  }

  end(): void {
    this.stop.abort();
  }

  get size(): { width: number; height: number } {
    return { width: this.box.clientWidth, height: this.box.clientHeight };
  }

  set(sight: Sight): void {
    this.sight = sight;
    this.plane.style.transform = `translate(${sight.x}px, ${sight.y}px) scale(${sight.scale})`;
    this.box.style.setProperty("--map-scale", String(sight.scale));
  }

  zoom(factor: number): void {
    this.set(zoomed(this.sight, factor, this.size.width / 2, this.size.height / 2));
  }

  /** From the window's pixels to the map's. */
  placeOf(event: { clientX: number; clientY: number }): { x: number; y: number } {
    const { left, top } = this.box.getBoundingClientRect();
    const { x, y, scale } = this.sight;
    return { x: (event.clientX - left - x) / scale, y: (event.clientY - top - y) / scale };
  }

  private readonly wheel = (event: WheelEvent): void => {
    event.preventDefault();
    const unit = event.deltaMode === 0 ? 1 : 16;
    if (event.ctrlKey || event.metaKey || (event.deltaMode !== 0 && !event.shiftKey) || isNotch(event)) {
      const { left, top } = this.box.getBoundingClientRect();
      const factor = Math.exp((-event.deltaY * unit) / 500);
      this.set(zoomed(this.sight, factor, event.clientX - left, event.clientY - top));
    } else {
      const { x, y, scale } = this.sight;
      this.set({ scale, x: x - event.deltaX * unit, y: y - event.deltaY * unit });
    }
  };

  private readonly press = (event: PointerEvent): void => {
    const target = event.target as Element;
    if (event.button > 1 || target.closest("button, input, select, [role=slider], [data-port]")) return;
    if (event.pointerType !== "touch" && event.button === 0 && target.closest("[data-node]")) return;
    this.fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    this.moves = false;
    this.pressed = { x: event.clientX, y: event.clientY };
  };

  private readonly move = (event: PointerEvent): void => {
    const before = this.fingers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    const [other] = [...this.fingers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
    // A finger that taps shakes.
    this.moves ||= Math.hypot(now.x - this.pressed.x, now.y - this.pressed.y) > SLACK;
    if (!this.moves) return;
    this.fingers.set(event.pointerId, now);
    const { x, y, scale } = this.sight;
    if (!other) {
      if (!this.box.hasPointerCapture(event.pointerId)) this.box.setPointerCapture(event.pointerId);
      this.set({ scale, x: x + now.x - before.x, y: y + now.y - before.y });
      return;
    }
    const { left, top } = this.box.getBoundingClientRect();
    const spread = (at: { x: number; y: number }) => Math.hypot(at.x - other.x, at.y - other.y);
    const middle = { x: (now.x + other.x) / 2 - left, y: (now.y + other.y) / 2 - top };
    const next = zoomed(this.sight, spread(now) / Math.max(spread(before), 1), middle.x, middle.y);
    this.set({ ...next, x: next.x + (now.x - before.x) / 2, y: next.y + (now.y - before.y) / 2 });
  };

  private readonly lift = (event: PointerEvent): void => {
    this.fingers.delete(event.pointerId);
  };
}

/** A mouse's wheel: large steps, straight up or down. */
function isNotch(event: WheelEvent): boolean {
  return event.deltaMode === 0 && event.deltaX === 0 && Math.abs(event.deltaY) >= 80 && !event.shiftKey;
}

/** The viewport of a map, from when its elements are there. */
export function useViewport(
  box: RefObject<HTMLElement | null>,
  plane: RefObject<HTMLElement | null>,
): RefObject<Viewport | null> {
  const viewport = useRef<Viewport | null>(null);
  useEffect(() => {
    if (!box.current || !plane.current) return;
    const made = new Viewport(box.current, plane.current);
    viewport.current = made;
    return () => {
      made.end();
      viewport.current = null;
    };
  }, [box, plane]);
  return viewport;
}
