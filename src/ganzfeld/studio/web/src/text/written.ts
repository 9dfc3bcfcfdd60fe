/** What is written beside what plays: the lines that differ, and where a line of the one is in the other. */

import { Chunk } from "@codemirror/merge";
import { type EditorState, type Range, StateEffect, StateField, type Text } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView } from "@codemirror/view";

export interface Written {
  /** The text that was played last; null before anything is known of it. */
  played: Text | null;
  /** Where it (A) and what is written (B) differ, in whole lines. */
  chunks: readonly Chunk[];
  /** The text that plays on while the one that was played last does not; null if it does, or this is not known. */
  good: Text | null;
  goodChunks: readonly Chunk[];
  marks: DecorationSet;
}

/** Another text was played. */
export const setPlayed = StateEffect.define<Text>();
/** What was played last does not play, and this plays on; null: it does. */
export const setGood = StateEffect.define<Text | null>();

const EFFORT = { scanLimit: 500, timeout: 20 };
const unplayed = Decoration.line({ class: "unplayed-line" });
const missing = Decoration.line({ class: "unplayed-gap" });

export const written = StateField.define<Written>({
  create: () => ({ played: null, chunks: [], good: null, goodChunks: [], marks: Decoration.none }),
  update(before, transaction) {
    let { played, chunks, good, goodChunks } = before;
    const better = transaction.effects.find((effect) => effect.is(setGood));
    if (better) good = better.value as Text | null;
    if (!good) goodChunks = [];
    else if (better || transaction.docChanged) goodChunks = Chunk.build(good, transaction.newDoc, EFFORT);
    const told = transaction.effects.find((effect) => effect.is(setPlayed));
    if (told) {
      played = told.value as Text;
      chunks = Chunk.build(played, transaction.newDoc, EFFORT);
    } else if (played && transaction.docChanged) {
      chunks = Chunk.updateB(chunks, played, transaction.newDoc, transaction.changes, EFFORT);
    } else if (!better) return before;
    const marks = marksOf(good ? goodChunks : chunks, transaction.newDoc);
    return { played, chunks, good, goodChunks, marks };
  },
  provide: (field) => EditorView.decorations.from(field, (value) => value.marks),
});

/** How many lines differ from what plays. */
export function unplayedLines(state: EditorState): number {
  const { chunks, played, good, goodChunks } = state.field(written);
  const before = good ?? played;
  return (good ? goodChunks : chunks).reduce((sum, { fromA, toA, fromB, toB }) => {
    const inB = linesBetween(state.doc, fromB, toB);
    return sum + Math.max(inB, before ? linesBetween(before, fromA, toA) : 0);
  }, 0);
}

/** Whether what is written is just what plays, though what was played last does not. */
export function isAsItPlays(state: EditorState): boolean {
  const text = state.field(written, false);
  return text?.good != null && text.goodChunks.length === 0;
}

/** Whether a line of what is written is as it plays. */
export function isLineAsItPlays(number: number, state: EditorState): boolean {
  const text = state.field(written, false);
  const { from } = state.doc.line(number);
  return text?.good != null && !text.goodChunks.some(({ fromB, toB }) => fromB <= from && from < toB);
}

/** Whether a line of what was played last is written the same in line `now`. */
export function isSameLine(number: number, now: number, state: EditorState): boolean {
  const played = state.field(written).played;
  if (!played) return true;
  return played.line(Math.min(Math.max(number, 1), played.lines)).text === state.doc.line(now).text;
}

/** The line of what is written (from 1) where line `number` of what plays is now; null if it is not there any more. */
export function lineInText(number: number, state: EditorState): number | null {
  const { played, chunks } = state.field(written);
  if (!played) return number;
  const line = played.line(Math.min(Math.max(number, 1), played.lines));
  let moved = 0;
  for (const { fromA, toA, fromB, toB } of chunks) {
    if (line.from < fromA) break;
    const inB = linesBetween(state.doc, fromB, toB);
    if (line.from < toA) {
      const offset = line.number - played.lineAt(fromA).number;
      return inB === 0 ? null : state.doc.lineAt(fromB).number + Math.min(offset, inB - 1);
    }
    moved += inB - linesBetween(played, fromA, toA);
  }
  return Math.min(Math.max(line.number + moved, 1), state.doc.lines);
}

/** How many lines a stretch of whole lines has; `to` is one past the end of the last. */
function linesBetween(text: Text, from: number, to: number): number {
  if (from === to) return 0;
  return text.lineAt(Math.min(to - 1, text.length)).number - text.lineAt(from).number + 1;
}

function marksOf(chunks: readonly Chunk[], doc: Text): DecorationSet {
  const ranges: Range<Decoration>[] = [];
  for (const { fromB, toB, endB } of chunks) {
    if (fromB === toB) {
      ranges.push(missing.range(doc.lineAt(Math.min(fromB, doc.length)).from));
      continue;
    }
    for (let place = fromB; place <= endB && place <= doc.length; ) {
      const line = doc.lineAt(place);
      ranges.push(unplayed.range(line.from));
      place = line.to + 1;
    }
  }
  return Decoration.set(ranges, true);
}
