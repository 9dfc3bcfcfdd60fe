/** Marks on the numbers in the text that a knob may take the place of, while a control is learned. */

import { StateEffect, StateField, type Text } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView } from "@codemirror/view";
import type { LearnableNumber } from "../live/wire";

export interface Learnable {
  numbers: readonly LearnableNumber[];
  target: string | null;
}

export const setLearnable = StateEffect.define<Learnable | null>();

interface Marked {
  learnable: Learnable | null;
  marks: DecorationSet;
}

export const numberMarks = StateField.define<Marked>({
  create: () => ({ learnable: null, marks: Decoration.none }),
  update(marked, transaction) {
    for (const effect of transaction.effects) {
      if (effect.is(setLearnable))
        return { learnable: effect.value, marks: marksOf(effect.value, transaction.state.doc) };
    }
    // Another text has its numbers elsewhere: the studio says where.
    return transaction.docChanged ? { learnable: null, marks: Decoration.none } : marked;
  },
  provide: (field) => EditorView.decorations.from(field, (marked) => marked.marks),
});

/** Where a number stands in a text; null if it is not there. */
export function rangeOf(number: LearnableNumber, doc: Text): { from: number; to: number } | null {
  if (number.line < 1 || number.line > doc.lines) return null;
  const line = doc.line(number.line);
  const from = line.from + number.column - 1;
  const to = from + number.length;
  return number.length > 0 && to <= line.to ? { from, to } : null;
}

/** The number at a place of the text. */
export function numberAt(learnable: Learnable | null, doc: Text, place: number): LearnableNumber | undefined {
  return learnable?.numbers.find((number) => {
    const range = rangeOf(number, doc);
    return range !== null && range.from <= place && place <= range.to;
  });
}

function marksOf(learnable: Learnable | null, doc: Text): DecorationSet {
  const ranges = (learnable?.numbers ?? []).flatMap((number) => {
    const range = rangeOf(number, doc);
    const word = number.address === learnable?.target ? "learnable-number chosen-number" : "learnable-number";
    return range ? [Decoration.mark({ class: word }).range(range.from, range.to)] : [];
  });
  return Decoration.set(ranges, true);
}

/** Calls `choose` with the address of a marked number that is clicked. */
export function numberClicks(choose: (address: string) => void) {
  return EditorView.domEventHandlers({
    mousedown(event, view) {
      const place = view.posAtCoords({ x: event.clientX, y: event.clientY });
      const number =
        place !== null && numberAt(view.state.field(numberMarks).learnable, view.state.doc, place);
      if (!number) return false;
      choose(number.address);
      return true;
    },
  });
}
