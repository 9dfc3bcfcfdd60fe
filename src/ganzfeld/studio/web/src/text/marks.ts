/** Marks in the patch's text: the places that errors point at, and the lines that a save has changed. */

import { type EditorState, type Range, StateEffect, StateField, type Text } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, WidgetType } from "@codemirror/view";
import type { Problem } from "../live/wire";

export const setProblems = StateEffect.define<readonly Problem[]>();
export const setChanged = StateEffect.define<{ from: number; to: number } | null>();

/** The line that dice propose; "" for none. */
export const setRolled = StateEffect.define<string>();

const problemLine = Decoration.line({ class: "problem-line" });
const problemPlace = Decoration.mark({ class: "problem-place" });
const changedLine = Decoration.line({ class: "changed-line" });
const rolledLine = Decoration.line({ class: "rolled-line" });

export const problemMarks = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    let next = marks.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (effect.is(setProblems)) next = Decoration.set(problemRanges(effect.value, transaction.state), true);
    }
    return next;
  },
  provide: (field) => EditorView.decorations.from(field),
});

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

function problemRanges(problems: readonly Problem[], state: EditorState): Range<Decoration>[] {
  const ranges: Range<Decoration>[] = [];
  const lines = new Set<number>();
  for (const problem of problems) {
    const place = placeOf(problem, state.doc);
    if (!place) continue;
    if (!lines.has(place.line)) ranges.push(problemLine.range(place.line), words(problem, place.line, state));
    lines.add(place.line);
    if (place.to > place.from) ranges.push(problemPlace.range(place.from, place.to));
  }
  return ranges;
}

function words(problem: Problem, place: number, state: EditorState): Range<Decoration> {
  const widget = new ProblemWords(problem);
  return Decoration.widget({ widget, block: true, side: 1 }).range(state.doc.lineAt(place).to);
}

/** What is wrong, under the line it is wrong in. */
class ProblemWords extends WidgetType {
  private readonly problem: Problem;

  constructor(problem: Problem) {
    super();
    this.problem = problem;
  }

  override eq(other: ProblemWords): boolean {
    return this.problem.what === other.problem.what && this.problem.hint === other.problem.hint;
  }

  override toDOM(): HTMLElement {
    const line = document.createElement("div");
    line.className = "problem-words";
    const what = document.createElement("span");
    what.textContent = this.problem.what;
    const hint = document.createElement("span");
    hint.className = "problem-hint";
    hint.textContent = this.problem.hint;
    line.append(what, ...(this.problem.hint ? [" ", hint] : []));
    return line;
  }
}

/** Where a problem is in a text: the start of its line, and the word at its column (empty if it names no column). */
export function placeOf(problem: Problem, doc: Text): { line: number; from: number; to: number } | null {
  if (problem.line === null) return null;
  // An error at the end of the file may point one line past it.
  const line = doc.line(Math.min(Math.max(problem.line, 1), doc.lines));
  if (problem.column === null) return { line: line.from, from: line.from, to: line.from };
  const start = Math.min(Math.max(problem.column - 1, 0), Math.max(line.length - 1, 0));
  const word = /^(\w+|\s+|.)/.exec(line.text.slice(start));
  const from = line.from + start;
  return { line: line.from, from, to: from + (word?.[0].length ?? 0) };
}

/** The problems that point into the file `name`; those that name no file mean the patch. */
export function problemsIn(problems: readonly Problem[], name: string): Problem[] {
  return problems.filter((problem) => problem.file === null || fileName(problem.file) === fileName(name));
}

export function fileName(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
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
