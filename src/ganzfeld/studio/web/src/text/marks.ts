/** Marks in the patch's text: the lines that a save has changed, and the one that dice propose. */

import { type Range, StateEffect, StateField, type Text } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, WidgetType } from "@codemirror/view";

export const setChanged = StateEffect.define<{ from: number; to: number } | null>();

/** The line that dice rolled; null for none. */
export const setRolled = StateEffect.define<Rolled | null>();

export interface Rolled {
  text: string;
  /** It stands nowhere, and would after this line, from 1; null: it stands in the text. */
  after: number | null;
}

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

function rolledRanges(rolled: Rolled | null, doc: Text): Range<Decoration>[] {
  if (!rolled) return [];
  if (rolled.after !== null) {
    const line = doc.line(Math.min(Math.max(rolled.after, 1), doc.lines));
    const widget = new ProposedLine(rolled.text);
    return [Decoration.widget({ widget, block: true, side: 1 }).range(line.to)];
  }
  for (let number = doc.lines; number >= 1; number--) {
    const line = doc.line(number);
    if (line.text === rolled.text) return [rolledLine.range(line.from)];
  }
  return [];
}

/** A line that stands nowhere yet, where it would stand. */
class ProposedLine extends WidgetType {
  private readonly text: string;

  constructor(text: string) {
    super();
    this.text = text;
  }

  override eq(other: ProposedLine): boolean {
    return this.text === other.text;
  }

  override toDOM(): HTMLElement {
    const line = document.createElement("div");
    line.className = "proposed-line";
    const words = document.createElement("span");
    words.textContent = this.text;
    line.append(words);
    return line;
  }
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
