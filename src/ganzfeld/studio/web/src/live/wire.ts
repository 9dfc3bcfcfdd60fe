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

export type FromStudio = Frame | Status | Patch | Notice;

export interface Ack {
  kind: "ack";
  number: number;
}

export interface Command {
  kind: "command";
  name: "pause" | "resume" | "restart" | "trust" | "roll" | "keep" | "back";
  path?: string;
}

export type FromPage = Ack | Command;

const KINDS = new Set(["frame", "status", "patch", "notice"]);

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
