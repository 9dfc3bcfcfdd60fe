/** The one editor of the page, for keys, buttons and the palette: what it knows, and what can be done with it. */

import { EditorView } from "@codemirror/view";
import { useSyncExternalStore } from "react";
import { currentShow, say, tellPerson } from "../live/show";
import { act, currentModes } from "../modes/modes";
import { claimed, type Writer } from "./document/claim";
import type { DocumentConnection } from "./document/connection";
import { afterNode } from "./inserting";
import { setChanged } from "./marks";
import type { Standing } from "./problems";

/** What the page says of the text beside it. */
export interface TextFacts {
  /** There is a document. */
  known: boolean;
  /** Lines that differ from what was played last. */
  unplayed: number;
  /** How what is wrong with what was played last stands to what is written. */
  standing: Standing;
  /** Something typed here is not in the studio's log yet. */
  unsent: boolean;
  /** There is a change of this page that can be taken back, or made again. */
  undoes: boolean;
  redoes: boolean;
}

let facts: TextFacts = {
  known: false,
  unplayed: 0,
  standing: "there",
  unsent: false,
  undoes: false,
  redoes: false,
};
/** The words under a wrong line are in sight. */
let seen = false;
let view: EditorView | null = null;
let connection: DocumentConnection | null = null;
const listeners = new Set<() => void>();

let who: Writer | null = null;

/** To be called before the page is drawn. */
export async function claimWriter(): Promise<void> {
  who = await claimed(sessionStorage, navigator.locks);
}

/** Who writes in this tab. */
export function writer(): Writer {
  if (!who) throw new Error("the writer is claimed before the page is drawn");
  return who;
}

/** The editor is there. */
export function attach(editor: EditorView, link: DocumentConnection): void {
  view = editor;
  connection = link;
}

/** The editor and its document; null before they are there. */
export function attached(): { view: EditorView; link: DocumentConnection } | null {
  return view && connection ? { view, link: connection } : null;
}

/** This page's name among the writers. */
export function ownClient(): string {
  return connection?.client ?? "";
}

export function setFacts(next: TextFacts): void {
  const keys = Object.keys(next) as (keyof TextFacts)[];
  if (keys.every((key) => next[key] === facts[key])) return;
  facts = next;
  for (const listener of listeners) listener();
}

export function setSeen(next: boolean): void {
  if (next === seen) return;
  seen = next;
  for (const listener of listeners) listener();
}

/** Whether the words under a wrong line are in sight. */
export function useSeen(): boolean {
  return useSyncExternalStore(listen, () => seen);
}

export function useTextFacts(): TextFacts {
  return useSyncExternalStore(listen, () => facts);
}

function listen(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The caret goes into the text. */
export function edit(): void {
  if (currentModes().locked || view?.state.readOnly) return;
  act("enter text");
  view?.focus();
}

/** The caret goes to a line (from 1), which is marked for a moment. */
export function goToLine(number: number): void {
  if (!view) return;
  const line = view.state.doc.line(Math.min(Math.max(number, 1), view.state.doc.lines));
  view.dispatch({
    selection: { anchor: line.from },
    effects: [
      setChanged.of({ from: line.from, to: line.to }),
      EditorView.scrollIntoView(line.from, { y: "center" }),
    ],
  });
  edit();
}

/** The caret leaves the text. */
export function leaveText(): void {
  view?.contentDOM.blur();
  if (!view?.dom.contains(document.activeElement)) act("leave text");
}

/** Calls back with the studio's version of the document, as soon as it has all that is written here; false if the studio
 * is not there. */
export function atVersion(call: (log: string, version: number) => void): boolean {
  const link = connection;
  if (!link?.isLive) return false;
  link.whenSent(() => call(link.log, link.version));
  return true;
}

/** Plays the block that is selected (or that the caret is in), or all of the text, as soon as the studio has all of it.
 * now: without the patch's bar or fade. at: a place in the text instead of the caret. */
export function playText(what: "block" | "all", now: boolean, at?: number): void {
  const link = connection;
  if (!view || !link) return;
  if (!link.isLive) {
    tellPerson("The studio is not there", "What is typed is kept; it is sent when it is back.");
    return;
  }
  link.whenSent(() => {
    const selection = view?.state.selection.main;
    const place = { start: at ?? selection?.from ?? 0, end: at ?? selection?.to ?? 0 };
    const part = what === "all" ? {} : place;
    say({ kind: "play", client: link.client, log: link.log, version: link.version, now, ...part });
  });
}

/** Plays the statements from one place to another, as soon as the studio has all that is written here. */
export function playRange(start: number, end: number): void {
  const link = connection;
  link?.whenSent(() => {
    const length = view?.state.doc.length ?? 0;
    const place = { start: Math.min(start, length), end: Math.min(end, length) };
    say({ kind: "play", client: link.client, log: link.log, version: link.version, now: false, ...place });
  });
}

/** Writes the text into the patch's file. One that has none is asked how it is to be called. */
export function saveText(): void {
  const link = connection;
  if (currentShow().document?.saved === null) {
    act("ask for a name");
    return;
  }
  if (!link?.isLive) {
    tellPerson("The studio is not there", "What is typed is kept; save again when it is back.");
    return;
  }
  link.whenSent(() => say({ kind: "save" }));
}

/** Writes a line below what is said of a node, and plays it. */
export function addLine(node: string, line: string): void {
  if (!view || view.state.readOnly) return;
  const place = afterNode(view.state, node);
  if (place === null) {
    tellPerson(`Nothing is called '${node}' in the text`, "Play what is written first.");
    return;
  }
  const at = place + line.length + 1;
  view.dispatch({
    changes: { from: place, insert: `\n${line}` },
    selection: { anchor: at },
    scrollIntoView: true,
    userEvent: "input.paste",
  });
  playText("block", false, at);
}

/** Puts lines below the statement that the caret is in, and goes there. */
export function insertLines(lines: string): void {
  if (!view || view.state.readOnly) return;
  const { doc, selection } = view.state;
  let line = doc.lineAt(selection.main.head);
  while (line.number < doc.lines && doc.line(line.number + 1).text.trim() !== "")
    line = doc.line(line.number + 1);
  const isEmpty = line.text.trim() === "";
  const insert = isEmpty ? lines : `\n${lines}`;
  const at = isEmpty ? line.from : line.to;
  view.dispatch({
    changes: { from: at, to: line.to, insert },
    selection: { anchor: at + insert.length },
    scrollIntoView: true,
    userEvent: "input.paste",
  });
  edit();
}
