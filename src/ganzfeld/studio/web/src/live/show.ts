/** The running show as the page's components see it: one state, replaced when something in it changes. */

import { useSyncExternalStore } from "react";
import { liveAddress, searchOf, type View, viewOf } from "./view";
import type {
  AskPreviews,
  AtDesk,
  AtlasDrawn,
  AtText,
  Carets,
  CommandName,
  Desk,
  DocumentState,
  DoorAction,
  KeepAs,
  Look,
  OpenPatch,
  PatchSource,
  Refusal,
  Status,
  TakeRoll,
  You,
} from "./wire";
import type { FromWorker, Shown } from "./worker";

export interface ShowState {
  /** "connecting" until the first word of the studio; "lost" after it went away. */
  connection: "connecting" | "live" | "lost";
  status: Status | null;
  patch: PatchSource | null;
  notice: Refusal | null;
  shown: Shown | null;
  desk: Desk | null;
  document: DocumentState | null;
  carets: Carets | null;
  /** Who this page is to the studio; null before its first word. */
  you: You | null;
  /** The link it came by was taken back. */
  takenBack: boolean;
}

export const NOTHING_YET: ShowState = {
  connection: "connecting",
  status: null,
  patch: null,
  notice: null,
  shown: null,
  desk: null,
  document: null,
  carets: null,
  you: null,
  takenBack: false,
};

/** The state once a message has come. */
export function withMessage(state: ShowState, message: FromWorker): ShowState {
  switch (message.kind) {
    case "live":
      return { ...state, connection: message.live ? "live" : "lost", notice: null };
    case "status":
      return { ...state, status: message };
    case "patch":
      return { ...state, patch: message };
    case "notice":
      return { ...state, notice: message };
    case "shown":
      return { ...state, shown: message };
    case "desk":
      return { ...state, desk: message };
    case "document_state":
      return { ...state, document: message };
    case "carets":
      return { ...state, carets: message };
    case "you":
      return { ...state, you: message };
    case "taken-back":
      return { ...state, connection: "lost", takenBack: true };
    default:
      return state;
  }
}

const NOTICE_STAYS = 6000;

let state = NOTHING_YET;
let worker: Worker | undefined;
const listeners = new Set<() => void>();

function set(next: ShowState): void {
  state = next;
  for (const listener of listeners) listener();
}

let canvas: HTMLCanvasElement | undefined;

/**
 * Shows the picture in `place` from now on; the first time, it connects. It is the same canvas wherever the page shows
 * it (a phone that is turned lays the page out anew): a canvas can be given to a worker only once, and a second worker
 * would be a second viewer, to which what a hand does at that moment would be lost.
 */
export function showPicture(place: HTMLElement): void {
  canvas ??= connected();
  place.append(canvas);
}

function connected(): HTMLCanvasElement {
  const made = document.createElement("canvas");
  worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    const next = withMessage(state, data);
    if (next !== state) set(next);
    for (const hear of hearers) hear(data);
    if (data.kind === "notice") forget(data);
  };
  const offscreen = made.transferControlToOffscreen();
  worker.postMessage({ kind: "start", canvas: offscreen, url: liveAddress(location.href) }, [offscreen]);
  return made;
}

/** How large and how often the picture comes from now on; the page's address says it, too, so that a reload keeps it. */
export function setView(view: View): void {
  const url = new URL(location.href);
  url.search = searchOf(url.search, view);
  history.replaceState(null, "", url);
  worker?.postMessage({ kind: "view", url: liveAddress(url.href) });
}

/** What the page's address asks for. */
export function currentView(): View {
  return viewOf(location.search);
}

const hearers = new Set<(message: FromWorker) => void>();

/** Calls `hear` with every message from now on, none left out. */
export function hearAll(hear: (message: FromWorker) => void): void {
  hearers.add(hear);
}

function forget(notice: Refusal): void {
  setTimeout(() => {
    if (state.notice === notice) set({ ...state, notice: null });
  }, NOTICE_STAYS);
}

/** Something is done with a door. */
export function atDoor(doing: Omit<DoorAction, "kind">): void {
  worker?.postMessage({ kind: "door", ...doing });
}

/** Says something to the person at this page, for a moment, where the studio's refusals stand. */
export function tellPerson(what: string, hint: string): void {
  const notice: Refusal = { kind: "notice", what, hint };
  set({ ...state, notice });
  forget(notice);
}

/** A writer does something to the text, has another one, or wants to see what something would do; the page looks at
 * something. */
export function say(message: AtText | KeepAs | OpenPatch | Look | AtlasDrawn | AskPreviews | TakeRoll): void {
  worker?.postMessage(message);
}

export function currentShow(): ShowState {
  return state;
}

export function command(name: CommandName, path?: string): void {
  worker?.postMessage(path === undefined ? { kind: "command", name } : { kind: "command", name, path });
}

/** Whether dice propose a line, to be kept or taken back. */
export function isRolled(): boolean {
  return (state.status?.rolled ?? "") !== "";
}

/** A hand does something at the desk. */
export function atDesk(doing: AtDesk): void {
  worker?.postMessage(doing);
}

/** So long at most a hand is held for a text that is to be played (ms). */
const HOLD = 3000;

/** Gives an address back to the text, which says the same by then. waits: a text with this number is on its way. */
export function releaseWhenPlayed(address: string, waits: boolean): void {
  const release = () => atDesk({ kind: "release", address });
  if (!waits) {
    release();
    return;
  }
  const before = state.status?.playing_version ?? null;
  const end = () => {
    clearTimeout(timer);
    listeners.delete(look);
    release();
  };
  const look = () => {
    if ((state.status?.playing_version ?? null) !== before) end();
  };
  const timer = setTimeout(end, HOLD);
  listeners.add(look);
}

/** Recalls the snapshot of this number, from 1. */
export function recallNumber(number: number): void {
  const snapshot = state.desk?.snapshots[number - 1];
  if (snapshot) atDesk({ kind: "snapshot", do: "recall", arguments: [snapshot.name] });
}

/** Begins to learn a control, or ends it. */
export function toggleLearning(): void {
  atDesk(state.desk?.lesson ? { kind: "learn", do: "stop" } : { kind: "learn" });
}

/** Whether a control is being learned. */
export function isLearning(): boolean {
  return state.desk?.lesson != null;
}

export function togglePause(): void {
  command(state.status?.paused ? "resume" : "pause");
}

/** The part of the show's state that `pick` picks; the component is drawn again when that part changes. */
export function useShow<Part>(pick: (state: ShowState) => Part): Part {
  return useSyncExternalStore(subscribe, () => pick(state));
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
