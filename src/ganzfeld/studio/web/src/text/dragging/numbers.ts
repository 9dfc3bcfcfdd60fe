/** The numbers of the text that can be dragged, and what is known of each. */

import type { EditorState } from "@codemirror/state";
import type { NumberWord, Words } from "../../live/wire";
import { treeOf } from "../looking/place";
import { rangeOf } from "../numbers";
import { numbersInText } from "../useMarks";
import { type Held, heldOf } from "./steps";

export interface Draggable extends Held {
  from: number;
  to: number;
  /** What the studio knows of it: its address, its range, its default; null for a number in an expression. */
  known: NumberWord | null;
}

/** The number at a place; null if there is none. */
export function draggableAt(state: EditorState, place: number, words: Words | null): Draggable | null {
  const node = numberNode(state, place);
  if (!node) return null;
  const known = words?.numbers.find((number) => {
    const [here] = numbersInText([number], state) as NumberWord[];
    const range = here && rangeOf(here, state.doc);
    return range && range.to === node.to && range.from <= node.from;
  });
  // What the studio takes for the number may have a sign in front.
  const from = known ? node.to - known.length : node.from;
  const span = known ? { low: known.low, high: known.high } : null;
  const held = heldOf(state.sliceDoc(from, node.to), span);
  return held && { ...held, from, to: node.to, known: known ?? null };
}

function numberNode(state: EditorState, place: number): { from: number; to: number } | null {
  for (const side of [1, -1] as const) {
    const node = treeOf(state, place).resolveInner(place, side);
    if (node.name === "Number") return { from: node.from, to: node.to };
  }
  return null;
}
