/** Whether keys are the instrument or text, what is locked, and what lies open over the page. */

import { useSyncExternalStore } from "react";

export interface Modes {
  /** PLAY: keys are the instrument. EDIT: the caret is in the text. */
  mode: "play" | "edit";
  /** Stage lock: knobs, snapshots and the master are all that can be touched. */
  locked: boolean;
  /** The interface is hidden, and only the picture shows. */
  hidden: boolean;
  open: "nothing" | "palette" | "sheet" | "keep";
}

export type Act =
  | "enter text"
  | "leave text"
  | "toggle lock"
  | "toggle interface"
  | "show interface"
  | "toggle palette"
  | "toggle sheet"
  | "ask for a name"
  | "close";

export const AT_FIRST: Modes = { mode: "play", locked: false, hidden: false, open: "nothing" };

/** The modes after an act. What a lock forbids changes nothing. */
export function withAct(modes: Modes, act: Act): Modes {
  switch (act) {
    case "enter text":
      return modes.locked ? modes : { ...modes, mode: "edit", hidden: false };
    case "leave text":
      return { ...modes, mode: "play" };
    case "toggle lock":
      return { ...modes, locked: !modes.locked, mode: "play", open: "nothing" };
    case "toggle interface":
      return modes.locked ? modes : { ...modes, hidden: !modes.hidden, open: "nothing" };
    case "show interface":
      return { ...modes, hidden: false };
    case "toggle palette":
      return opened(modes, "palette");
    case "toggle sheet":
      return opened(modes, "sheet");
    case "ask for a name":
      return opened(modes, "keep");
    case "close":
      return { ...modes, open: "nothing" };
  }
}

function opened(modes: Modes, what: "palette" | "sheet" | "keep"): Modes {
  if (modes.locked) return modes;
  return { ...modes, hidden: false, open: modes.open === what ? "nothing" : what };
}

const LOCK = "ganzfeld-locked";

let modes = AT_FIRST;
const listeners = new Set<() => void>();

/** Takes up a lock that a reload must not open. */
export function remember(): void {
  if (sessionStorage.getItem(LOCK) !== null) modes = { ...modes, locked: true };
}

export function act(what: Act): void {
  const next = withAct(modes, what);
  if (next === modes) return;
  if (next.locked !== modes.locked) {
    if (next.locked) sessionStorage.setItem(LOCK, "yes");
    else sessionStorage.removeItem(LOCK);
  }
  modes = next;
  for (const listener of listeners) listener();
}

export function currentModes(): Modes {
  return modes;
}

export function useModes<Part>(pick: (modes: Modes) => Part): Part {
  return useSyncExternalStore(subscribe, () => pick(modes));
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
