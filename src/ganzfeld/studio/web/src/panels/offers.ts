/** Doors that can be opened here, made from what the machine says of itself. */

import type { DoorKindHere } from "../live/wire";

export interface Offer {
  /** As it is opened: "window:2". */
  to: string;
  about: string;
}

/** Far ends that were found: lines such as "window:2  DELL, 1920 × 1080". Others say something else. */
export function offersOf(kind: DoorKindHere): Offer[] {
  return kind.found
    .map((line) => /^(\S+)\s\s+(.*)$/.exec(line))
    .filter((found) => found?.[1]?.startsWith(`${kind.kind}:`))
    .map((found) => ({ to: found?.[1] ?? "", about: found?.[2] ?? "" }));
}

/** Windows first, which most people look for; then kinds of which something was found here. */
export function inOrder(kinds: readonly DoorKindHere[]): DoorKindHere[] {
  const place = (kind: DoorKindHere) => (kind.kind === "window" ? 0 : offersOf(kind).length > 0 ? 1 : 2);
  return [...kinds].sort((a, b) => place(a) - place(b));
}

/** The first sentence of what a kind says of itself. */
export function firstSentence(about: string): string {
  const flat = about.replace(/\s+/g, " ").trim();
  return /^.*?[.:](?= |$)/.exec(flat)?.[0].replace(/:$/, ".") ?? flat;
}

/** A door as a person writes it on the command line: `wall=window:"a, b"`. */
export function written(picture: string, kind: string, target: string): string {
  const plain = target.trim();
  const quoted = /[,[\]"\\]/.test(plain) ? JSON.stringify(plain) : plain;
  return `${picture === "" ? "" : `${picture}=`}${kind}${quoted === "" ? "" : `:${quoted}`}`;
}

/** What a target of this kind looks like. */
export function exampleOf(kind: string, patch: string): string {
  const stem = patch.replace(/\.[^.]*$/, "") || "show";
  switch (kind) {
    case "film":
      return `${stem}.mp4`;
    case "window":
      return "2";
    case "shared":
      return "ganzfeld";
    default:
      return "";
  }
}
