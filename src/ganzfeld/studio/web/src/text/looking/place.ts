/** Where in a patch a place of its text is: in which call, at which argument, in which quotes. */

import { ensureSyntaxTree, syntaxTree } from "@codemirror/language";
import type { EditorState } from "@codemirror/state";
import type { SyntaxNode, Tree } from "@lezer/common";

/** How long a parser that is behind what is typed is waited for (ms). */
const PATIENCE = 100;

/** The tree of a text, at least up to a place, if that can be had soon. */
export function treeOf(state: EditorState, place: number): Tree {
  return ensureSyntaxTree(state, place, PATIENCE) ?? syntaxTree(state);
}

export interface Call {
  /** "noise", or "face.bend". */
  name: string;
  /** The names of the arguments that are given by name, without the one at the place. */
  given: string[];
  /** The argument at the place: by its name, or by its number from 0. */
  argument: string | number;
}

/** The call whose brackets a place is in; null outside of all. */
export function callAt(state: EditorState, place: number): Call | null {
  for (let node: SyntaxNode | null = treeOf(state, place).resolveInner(place, -1); node; node = node.parent) {
    if (node.name !== "ArgList" || place <= node.from || (node.to <= place && isClosed(state, node)))
      continue;
    const callee = node.prevSibling;
    if (callee) return { name: state.sliceDoc(callee.from, callee.to), ...argumentsOf(state, node, place) };
  }
  return null;
}

function isClosed(state: EditorState, list: SyntaxNode): boolean {
  return state.sliceDoc(list.to - 1, list.to) === ")";
}

function argumentsOf(state: EditorState, list: SyntaxNode, place: number): Pick<Call, "given" | "argument"> {
  const given: string[] = [];
  let number = 0;
  let named: string | null = null;
  for (let node = list.firstChild; node; node = node.nextSibling) {
    if (node.name === "," && node.to <= place) {
      if (named) given.push(named);
      number += 1;
      named = null;
    } else if (node.name === "VariableName" && node.nextSibling?.name === "AssignOp") {
      const name = state.sliceDoc(node.from, node.to);
      // The one at the place is not yet given; those after it are.
      if (node.nextSibling.to <= place) named = name;
      else if (node.from > place) given.push(name);
    }
  }
  return { given, argument: named ?? number };
}

/** The quotes that a place is in: from after the first to the place. */
export function quotesAt(state: EditorState, place: number): { from: number; written: string } | null {
  const node = treeOf(state, place).resolveInner(place, -1);
  if (node.name !== "String" || place <= node.from) return null;
  const written = state.sliceDoc(node.from, place);
  const quote = /^[rbuf]*("""|'''|"|')/i.exec(written)?.[0];
  if (!quote) return null;
  const isOver = node.to === place && written.length > quote.length && written.endsWith(quote.slice(-1));
  return isOver ? null : { from: node.from + quote.length, written: written.slice(quote.length) };
}

/** Whether a place is in a comment. */
export function isInComment(state: EditorState, place: number): boolean {
  return treeOf(state, place).resolveInner(place, -1).name === "Comment";
}

/** The dotted word around a place: "audio.level", "face.psi". */
export function wordAt(state: EditorState, place: number): { from: number; to: number; word: string } | null {
  const line = state.doc.lineAt(place);
  const at = place - line.from;
  const before = /[\p{L}\p{N}_.]*$/u.exec(line.text.slice(0, at))?.[0] ?? "";
  const after = /^[\p{L}\p{N}_]*/u.exec(line.text.slice(at))?.[0] ?? "";
  const word = before + after;
  if (!/^[\p{L}_]/u.test(word)) return null;
  return { from: place - before.length, to: place + after.length, word };
}
