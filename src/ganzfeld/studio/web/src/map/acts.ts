/** What a hand does on the map: each is an edit of the text. */

import { atDesk, releaseWhenPlayed } from "../live/show";
import type { MapNode, MapNumber } from "../live/wire";
import { openSheet } from "../sheets/open";
import { goToLine } from "../text/editing";
import { edit } from "../text/edits";

export type Source = "number" | "default" | "new knob" | "midi" | "osc" | "sound";

/** A name for people: "levels in out" for what is written in place. */
export function nameOf(name: string): string {
  const [owner, ...inner] = name.split("/");
  return inner.length === 0 ? name : `${inner.join(" ")} of ${owner}`;
}

/** Goes into the text, to a line. */
export function goTo(line: number): void {
  openSheet(null);
  // Once the sheet has given the focus back.
  setTimeout(() => goToLine(line));
}

export const connect = (node: string, input: string, source: string) =>
  edit("connect", { node, input, source });
export const disconnect = (node: string, input: string) => edit("disconnect", { node, input });
export const remove = (node: string) => edit("delete", { node });
export const rename = (node: string, name: string) => edit("rename", { node, name });
export const bypass = ({ name, bypass }: MapNode) => edit("bypass", { node: name, on: !bypass });
export const solo = ({ name, solo }: MapNode) => edit("solo", { node: name, on: !solo });

/** Adds a node that reads `of`; into: a wire that it is put in. */
export function add(type: string, of: string, into?: { reader: string; input: string }) {
  if (type === "knob") return edit("knob", {});
  return edit("add", { type, of, ...into });
}

/** Writes what a number is to be; "" for its default. */
export function write(node: string, number: MapNumber, text: string) {
  return edit("set", { node, line: number.line, parameter: number.name, text });
}

/** A hand has turned a number that the text says: it is written, and the hand lets go of it when that plays. */
export async function writeTurned(node: string, number: MapNumber, text: string): Promise<void> {
  const { changes } = await write(node, number, text);
  if (number.address) releaseWhenPlayed(number.address, changes !== null);
}

/** Another source for a number. value: where it stands now. */
export async function drive(node: MapNode, number: MapNumber, by: Source, value: number): Promise<void> {
  const low = number.low ?? 0;
  const high = number.high ?? 1;
  switch (by) {
    case "number":
      await writeTurned(node.name, number, short(value));
      return;
    case "default":
      await writeTurned(node.name, number, "");
      return;
    case "osc":
      await write(node.name, number, `osc("${oscAddress(number)}", ${short(value)})`);
      return;
    case "sound": {
      const reach = short((high - value || low - value) / 2);
      await write(node.name, number, `${short(value)} + ${reach}*audio.level`.replace("+ -", "- "));
      return;
    }
    case "new knob":
    case "midi": {
      const name = freeKnob(node, number);
      const { changes } = await edit("knob", {
        node: node.name,
        line: number.line,
        parameter: number.name,
        name,
        value,
      });
      // The next control that is touched turns it.
      if (by === "midi" && changes !== null) atDesk({ kind: "learn", target: `/${name}` });
    }
  }
}

/** /face/spin/rotate, as it would be reached anyhow; what is read must not be its own address. */
function oscAddress({ address }: MapNumber): string {
  return `/in${address}`;
}

let known: ReadonlySet<string> = new Set();

/** The names that are taken. */
export function setNames(names: Iterable<string>): void {
  known = new Set(names);
}

/** face.psi → face_psi, or face_psi2 if that is taken. */
function freeKnob(node: MapNode, number: MapNumber): string {
  const owner = (number.line || node.name).replaceAll(/\W/g, "_").replace(/^(?=\d)/, "k_");
  const stem = `${owner}_${number.name}`;
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? stem : `${stem}${count}`;
    if (!known.has(name)) return name;
  }
}

/** A number as one would write it. */
export function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
