/** A veil behind the words only, so that the picture stays open beside and between them. */

import { Prec, RangeSetBuilder, type Text } from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  type EditorView,
  ViewPlugin,
  type ViewUpdate,
} from "@codemirror/view";

const veil = Decoration.mark({ class: "veil" });
/** Words, and the few spaces that hold them together; wider gaps let the picture through. */
const RUN = /\S+(?: {1,3}\S+)*/g;

/** Where the veil lies: `[from, to]` of every run of words. */
export function runs(doc: Text): [from: number, to: number][] {
  const found: [number, number][] = [];
  for (let number = 1; number <= doc.lines; number++) {
    const line = doc.line(number);
    for (const match of line.text.matchAll(RUN)) {
      found.push([line.from + match.index, line.from + match.index + match[0].length]);
    }
  }
  return found;
}

function cover(doc: Text): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>();
  for (const [from, to] of runs(doc)) builder.add(from, to, veil);
  return builder.finish();
}

/** Outermost of all marks, or each token would bring a veil of its own. */
export const veiled = Prec.lowest(
  ViewPlugin.fromClass(
    class {
      marks: DecorationSet;
      constructor(view: EditorView) {
        this.marks = cover(view.state.doc);
      }
      update(update: ViewUpdate) {
        if (update.docChanged) this.marks = cover(update.state.doc);
      }
    },
    { decorations: (plugin) => plugin.marks },
  ),
);
