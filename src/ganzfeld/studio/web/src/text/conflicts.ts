/** Where a save of the file from elsewhere and what is written here do not fit: both are shown, a click decides. */

import { type Range, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, WidgetType } from "@codemirror/view";
import type { Disagreement, ResolveConflict } from "../live/wire";

export type Resolve = (number: number, take: ResolveConflict["take"]) => void;

export const setConflicts = StateEffect.define<readonly Disagreement[]>();

const ANSWERS: readonly (readonly [ResolveConflict["take"], string])[] = [
  ["ours", "keep what is here"],
  ["theirs", "take the file's"],
  ["both", "have both"],
];
const ours = Decoration.line({ class: "conflict-line" });

class ConflictBox extends WidgetType {
  private readonly told: Disagreement;
  private readonly resolve: Resolve;

  constructor(told: Disagreement, resolve: Resolve) {
    super();
    this.told = told;
    this.resolve = resolve;
  }

  override eq(other: ConflictBox): boolean {
    return this.told.number === other.told.number && this.told.theirs === other.told.theirs;
  }

  override toDOM(): HTMLElement {
    const box = document.createElement("div");
    box.className = "conflict";
    box.setAttribute("role", "group");
    box.setAttribute("aria-label", "The file says otherwise");
    const word = document.createElement("p");
    word.textContent = this.told.theirs ? "The file says here:" : "The file has nothing here.";
    const theirs = document.createElement("pre");
    theirs.textContent = this.told.theirs;
    const answers = document.createElement("div");
    answers.className = "conflict-answers";
    for (const [take, does] of ANSWERS) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = does;
      button.addEventListener("click", () => this.resolve(this.told.number, take));
      answers.append(button);
    }
    box.append(word, ...(this.told.theirs ? [theirs] : []), answers);
    return box;
  }

  override ignoreEvent(): boolean {
    return true;
  }
}

export function conflictMarks(resolve: Resolve) {
  return StateField.define<DecorationSet>({
    create: () => Decoration.none,
    update(marks, transaction) {
      let next = marks.map(transaction.changes);
      for (const effect of transaction.effects) {
        if (!effect.is(setConflicts)) continue;
        const ranges: Range<Decoration>[] = [];
        const doc = transaction.newDoc;
        for (const told of effect.value) {
          const end = Math.min(told.end, doc.length);
          const last = doc.lineAt(told.end > told.start ? Math.max(end - 1, 0) : end);
          for (let place = Math.min(told.start, last.from); place <= last.from; ) {
            const line = doc.lineAt(place);
            if (told.end > told.start) ranges.push(ours.range(line.from));
            place = line.to + 1;
          }
          const widget = Decoration.widget({ widget: new ConflictBox(told, resolve), block: true, side: 1 });
          ranges.push(widget.range(last.to));
        }
        next = Decoration.set(ranges, true);
      }
      return next;
    },
    provide: (field) => EditorView.decorations.from(field),
  });
}
