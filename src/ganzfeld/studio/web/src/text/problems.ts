/** What is wrong, marked in the text, as long as what is written is what is wrong. */

import { type EditorState, type Range, StateEffect, StateField, type Text } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, ViewPlugin, WidgetType } from "@codemirror/view";
import type { Problem } from "../live/wire";
import { setSeen } from "./editing";
import { isAsItPlays, isLineAsItPlays, isSameLine, lineInText, written } from "./written";

/** How a problem of what was played last stands to what is written now: it is there; its line has been changed since,
 * and was not played; its line is again as it plays, or gone. */
export type Standing = "there" | "changed" | "gone";

interface Marked {
  problems: readonly Problem[];
  /** Of all of them. */
  standing: Standing;
  /** The line that the first of them points at, by its start. */
  first: number | null;
  marks: DecorationSet;
}

const problemLine = Decoration.line({ class: "problem-line" });
const problemPlace = Decoration.mark({ class: "problem-place" });

/** What is wrong, at its places in what was played last. */
export const setProblems = StateEffect.define<readonly Problem[]>();

export const problemMarks = StateField.define<Marked>({
  create: () => ({ problems: [], standing: "there", first: null, marks: Decoration.none }),
  update(before, transaction) {
    const told = transaction.effects.findLast((effect) => effect.is(setProblems));
    const problems = told ? (told.value as readonly Problem[]) : before.problems;
    if (!told && problems.length === 0) return before;
    if (!told && !transaction.docChanged && transaction.effects.length === 0) return before;
    return marked(problems, transaction.state);
  },
  provide: (field) => EditorView.decorations.from(field, (value) => value.marks),
});

function marked(problems: readonly Problem[], state: EditorState): Marked {
  const ranges: Range<Decoration>[] = [];
  const lines = new Set<number>();
  const standings = new Set<Standing>();
  let first: number | null = null;
  for (const problem of problems) {
    const { standing, here } = inText(problem, state);
    standings.add(standing);
    const place = standing === "gone" ? null : placeOf(here, state.doc);
    if (!place) continue;
    first ??= place.line;
    if (!lines.has(place.line)) ranges.push(words(here, standing, place.line, state));
    if (!lines.has(place.line) && standing === "there") ranges.push(problemLine.range(place.line));
    lines.add(place.line);
    if (place.to > place.from) ranges.push(problemPlace.range(place.from, place.to));
  }
  const standing = problems.length === 0 || standings.has("there") ? "there" : "changed";
  return {
    problems,
    standing: standing === "changed" && !standings.has("changed") ? "gone" : standing,
    first,
    marks: Decoration.set(ranges, true),
  };
}

/** The studio speaks of places in what was played last; this is the same place in what is written. */
function inText(problem: Problem, state: EditorState): { standing: Standing; here: Problem } {
  const { line } = problem;
  if (isAsItPlays(state)) return { standing: "gone", here: problem };
  if (line === null || !state.field(written, false)?.played) return { standing: "there", here: problem };
  const now = lineInText(line, state);
  if (now !== null && isSameLine(line, now, state))
    return { standing: "there", here: { ...problem, line: now } };
  if (now === null || isLineAsItPlays(now, state)) return { standing: "gone", here: problem };
  return { standing: "changed", here: { ...problem, line: now, column: null } };
}

function words(problem: Problem, standing: Standing, place: number, state: EditorState): Range<Decoration> {
  const said = standing === "there" ? problem : { ...problem, what: "", hint: "Ctrl+Enter plays it" };
  const widget = new ProblemWords(said, standing);
  return Decoration.widget({ widget, block: true, side: 1 }).range(state.doc.lineAt(place).to);
}

/** What is wrong, under the line it is wrong in. */
class ProblemWords extends WidgetType {
  private readonly problem: Problem;
  private readonly standing: Standing;

  constructor(problem: Problem, standing: Standing) {
    super();
    this.problem = problem;
    this.standing = standing;
  }

  override eq(other: ProblemWords): boolean {
    return (
      this.standing === other.standing &&
      this.problem.what === other.problem.what &&
      this.problem.hint === other.problem.hint
    );
  }

  override toDOM(): HTMLElement {
    const line = document.createElement("div");
    line.className = this.standing === "there" ? "problem-words" : "changed-words";
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

/** Tells whether the words under a line are in sight: then they need not stand anywhere else. */
export const problemSight = ViewPlugin.fromClass(
  class {
    private readonly view: EditorView;

    constructor(view: EditorView) {
      this.view = view;
      view.scrollDOM.addEventListener("scroll", this.update);
    }

    destroy(): void {
      this.view.scrollDOM.removeEventListener("scroll", this.update);
    }

    readonly update = (): void => {
      this.view.requestMeasure({ key: this, read: isSeen, write: setSeen });
    };
  },
);

function isSeen(view: EditorView): boolean {
  const box = view.dom.querySelector(".problem-words")?.getBoundingClientRect();
  const frame = view.scrollDOM.getBoundingClientRect();
  return box !== undefined && box.height > 0 && box.top >= frame.top - 1 && box.bottom <= frame.bottom + 1;
}
