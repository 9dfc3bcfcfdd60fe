/** While a number is dragged, the text shows where it has come to; it is written when it is let go. */

import { StateEffect, StateField } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView, WidgetType } from "@codemirror/view";

export const setDragged = StateEffect.define<{ from: number; to: number; written: string } | null>();

class DraggedNumber extends WidgetType {
  private readonly written: string;

  constructor(written: string) {
    super();
    this.written = written;
  }

  override eq(other: DraggedNumber): boolean {
    return this.written === other.written;
  }

  override toDOM(): HTMLElement {
    const dom = document.createElement("span");
    dom.className = "dragged-number";
    dom.textContent = this.written;
    return dom;
  }
}

export const draggedNumber = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, transaction) {
    let next = marks.map(transaction.changes);
    for (const effect of transaction.effects) {
      if (!effect.is(setDragged)) continue;
      const { value } = effect;
      next = Decoration.none;
      if (value) {
        const widget = new DraggedNumber(value.written);
        next = Decoration.set([Decoration.replace({ widget }).range(value.from, value.to)]);
      }
    }
    return next;
  },
  provide: (field) => EditorView.decorations.from(field),
});

/** Where the number that is dragged stands now; null if none is. */
export function draggedRange(marks: DecorationSet): { from: number; to: number } | null {
  const cursor = marks.iter();
  return cursor.value ? { from: cursor.from, to: cursor.to } : null;
}
