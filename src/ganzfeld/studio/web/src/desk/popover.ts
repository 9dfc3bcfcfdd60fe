import { type RefObject, useEffect, useLayoutEffect } from "react";

/** Closes what opened over the page when somebody presses elsewhere, or Escape. */
export function useDismiss(place: RefObject<HTMLElement | null>, close: () => void): void {
  useEffect(() => {
    const away = (event: Event) => {
      if (!place.current?.parentElement?.contains(event.target as Node)) close();
    };
    const leave = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      close();
    };
    addEventListener("pointerdown", away);
    addEventListener("keydown", leave, { capture: true });
    return () => {
      removeEventListener("pointerdown", away);
      removeEventListener("keydown", leave, { capture: true });
    };
  }, [place, close]);
}

/** Opens it above its parent, within the window: fixed, because a row that scrolls would cut it. */
export function useAbove(place: RefObject<HTMLElement | null>): void {
  useLayoutEffect(() => {
    const box = place.current;
    const from = box?.parentElement?.getBoundingClientRect();
    if (!box || !from) return;
    const most = innerWidth - box.offsetWidth - EDGE;
    box.style.left = `${Math.max(EDGE, Math.min(from.left, most))}px`;
    box.style.bottom = `${innerHeight - from.top + 6}px`;
    box.style.maxHeight = `${from.top - EDGE - 6}px`;
  }, [place]);
}

/** Pixels that stay free at the window's edge. */
const EDGE = 8;
