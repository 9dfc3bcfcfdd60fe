/** Where other writers are: a caret with their name, and what they have selected. */

import { type Range, StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, WidgetType } from "@codemirror/view";
import type { Caret } from "../live/wire";

/** The other writers' carets, at places of the text as it is now. */
export const setCarets = StateEffect.define<readonly Caret[]>();

const COLOURS = ["#ffb454", "#8ed0ff", "#b8e994", "#cdb8ff", "#ff9fb8", "#7fe3d4"];

class CaretMark extends WidgetType {
  private readonly caret: Caret;

  constructor(caret: Caret) {
    super();
    this.caret = caret;
  }

  override eq(other: CaretMark): boolean {
    return this.caret.name === other.caret.name && this.caret.colour === other.caret.colour;
  }

  override toDOM(): HTMLElement {
    const mark = document.createElement("span");
    mark.className = "writer-caret";
    mark.style.setProperty("--writer", colourOf(this.caret.colour));
    const name = document.createElement("span");
    name.className = "writer-name";
    name.textContent = this.caret.name;
    // Between word joiners, so that the caret takes part in no line break.
    mark.append("\u2060", name, "\u2060");
    return mark;
  }

  override ignoreEvent(): boolean {
    return false;
  }
}

export function colourOf(number: number): string {
  return COLOURS[number % COLOURS.length] ?? "#ffb454";
}

export const caretMarks = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    let next = marks.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (effect.is(setCarets)) next = caretRanges(effect.value, transaction.newDoc.length);
    }
    return next;
  },
  provide: (field) => EditorView.decorations.from(field),
});

function caretRanges(carets: readonly Caret[], length: number): DecorationSet {
  const ranges: Range<Decoration>[] = [];
  for (const caret of carets) {
    const head = Math.min(caret.head, length);
    const anchor = Math.min(caret.anchor, length);
    if (anchor !== head) {
      const style = `background-color: ${colourOf(caret.colour)}44`;
      ranges.push(
        Decoration.mark({ attributes: { style } }).range(Math.min(anchor, head), Math.max(anchor, head)),
      );
    }
    ranges.push(Decoration.widget({ widget: new CaretMark(caret), side: 1 }).range(head));
  }
  return Decoration.set(ranges, true);
}
