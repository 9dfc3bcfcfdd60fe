/** The messages between the page and the studio: one msgpack map each, told apart by `kind`. See wire.py. */

import { decode, encode } from "@msgpack/msgpack";

export interface Frame {
  kind: "frame";
  number: number;
  /** The show's time in seconds. */
  t: number;
  width: number;
  height: number;
  /** The studio's clock in Unix seconds when the JPEG was ready. */
  sent: number;
  jpeg: Uint8Array<ArrayBuffer>;
}

/** An error as the person reads it. Lines and columns count from 1. */
export interface Problem {
  what: string;
  hint: string;
  file: string | null;
  line: number | null;
  column: number | null;
  address: string | null;
}

/** What `Status.rolled` is while dice roll. */
export const ROLLING = "…";

export interface Status {
  kind: "status";
  fps: number;
  frame_ms: number;
  frame: number;
  t: number;
  /** Beats a minute. */
  bpm: number;
  paused: boolean;
  width: number;
  height: number;
  device: string;
  render_alive: boolean;
  patch_version: number;
  errors: Problem[];
  pending_trust: string[];
  /** The line of the patch that dice propose; "…" while they roll, "" if there is none. */
  rolled: string;
  /** How many times the inner size of networks is halved, to hold the rate. */
  halvings: number;
}

export interface Patch {
  kind: "patch";
  name: string;
  text: string;
  version: number;
}

/** The answer to a command that could not be done. */
export interface Notice {
  kind: "notice";
  what: string;
  hint: string;
}

/** A knob of the patch. `position`: where its value lies, 0 to 1; `by`: who turned it there. */
export interface Knob {
  address: string;
  value: number;
  position: number;
  by: "text" | "hand" | "snapshot" | "midi" | "osc";
  low: number;
  high: number;
  curve: number | "log";
  default: number;
  midi: string | null;
  osc: string | null;
}

/** `at`: its place on the pad, 0 to 1 from the left and from the bottom; `misfits`: what it names in vain. */
export interface Snapshot {
  name: string;
  at: [number, number];
  midi: string | null;
  misfits: string[];
}

/** A plain number in the text, which a knob may take the place of. Lines and columns count from 1. */
export interface LearnableNumber {
  address: string;
  line: number;
  column: number;
  length: number;
}

export interface Lesson {
  target: string | null;
  control: string | null;
  numbers: LearnableNumber[];
}

export type Unit = "seconds" | "beats";
export type When = "now" | "beat" | "bar";

/** What hands stand at. See desk.py. */
export interface Desk {
  kind: "desk";
  knobs: Knob[];
  held: string[];
  snapshots: Snapshot[];
  fade: [length: number, unit: Unit, when: When];
  shown: string[];
  share: number;
  waiting: string | null;
  at: [number, number] | null;
  lesson: Lesson | null;
  kept: boolean;
}

export type FromStudio = Frame | Status | Patch | Notice | Desk;

export interface Ack {
  kind: "ack";
  number: number;
}

export interface Command {
  kind: "command";
  name: "pause" | "resume" | "restart" | "trust" | "roll" | "keep" | "back" | "tap";
  path?: string;
}

/** What a hand does at the desk. */
export type AtDesk =
  | { kind: "turn"; address: string; value: number }
  | { kind: "release"; address: string }
  | {
      kind: "snapshot";
      do: "store" | "recall" | "morph" | "release" | "rename" | "delete" | "place" | "fade";
      arguments: (string | number)[];
    }
  | { kind: "learn"; target?: string; do?: "learn" | "stop" | "forget" };

export type FromPage = Ack | Command | AtDesk;

const KINDS = new Set(["frame", "status", "patch", "notice", "desk"]);

/** Throws if these bytes are no message of the studio. A frame's `jpeg` is a view into them, not a copy. */
export function read(bytes: ArrayBuffer): FromStudio {
  const message = decode(bytes) as FromStudio;
  if (typeof message !== "object" || message === null || !KINDS.has(message.kind)) {
    throw new Error("not a message of the studio");
  }
  return message;
}

export function write(message: FromPage): Uint8Array<ArrayBuffer> {
  return encode(message);
}
