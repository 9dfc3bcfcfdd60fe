/** The running show as the page's components see it: one state, replaced when something in it changes. */

import { useSyncExternalStore } from "react";
import { socketAddress } from "./link";
import type { AtDesk, CommandName, Desk, PatchSource, Refusal, Status, You } from "./wire";
import type { FromWorker, Shown } from "./worker";

export interface ShowState {
  /** "connecting" until the first word of the studio; "lost" after it went away. */
  connection: "connecting" | "live" | "lost";
  status: Status | null;
  patch: PatchSource | null;
  notice: Refusal | null;
  shown: Shown | null;
  desk: Desk | null;
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

/** Connects and draws on `canvas` from now on. A canvas can be given away once only. */
export function watch(canvas: HTMLCanvasElement): void {
  worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }: MessageEvent<FromWorker>) => {
    set(withMessage(state, data));
    if (data.kind === "notice") {
      setTimeout(() => {
        if (state.notice === data) set({ ...state, notice: null });
      }, NOTICE_STAYS);
    }
  };
  const offscreen = canvas.transferControlToOffscreen();
  const url = socketAddress(location.href, "/live", screen.height * devicePixelRatio);
  worker.postMessage({ kind: "start", canvas: offscreen, url }, [offscreen]);
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
