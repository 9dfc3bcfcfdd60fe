/** Marks in the patch's text: the lines that a save has changed, and the one that dice propose. */

import { type Range, StateEffect, StateField, type Text } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView } from "@codemirror/view";

export const setChanged = StateEffect.define<{ from: number; to: number } | null>();

/** The line that dice propose; "" for none. */
export const setRolled = StateEffect.define<string>();

const changedLine = Decoration.line({ class: "changed-line" });
const rolledLine = Decoration.line({ class: "rolled-line" });

export const changeMarks = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    let next = marks.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (effect.is(setChanged)) next = Decoration.set(changedRanges(effect.value, transaction.state.doc));
    }
    return next;
  },
  provide: (field) => EditorView.decorations.from(field),
});

export const rollMarks = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    let next = marks.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (effect.is(setRolled)) next = Decoration.set(rolledRanges(effect.value, transaction.state.doc));
    }
    return next;
  },
  provide: (field) => EditorView.decorations.from(field),
});

function rolledRanges(rolled: string, doc: Text): Range<Decoration>[] {
  for (let number = doc.lines; rolled !== "" && number >= 1; number--) {
    const line = doc.line(number);
    if (line.text === rolled) return [rolledLine.range(line.from)];
  }
  return [];
}

function changedRanges(changed: { from: number; to: number } | null, doc: Text): Range<Decoration>[] {
  if (!changed) return [];
  const ranges: Range<Decoration>[] = [];
  const last = doc.lineAt(Math.min(changed.to, doc.length)).number;
  for (let number = doc.lineAt(Math.min(changed.from, doc.length)).number; number <= last; number++) {
    ranges.push(changedLine.range(doc.line(number).from));
  }
  return ranges;
}
