/** The patch's grammar is Python's; what its names mean is our own, so they are told apart here. */

import { pythonLanguage } from "@codemirror/lang-python";
import { HighlightStyle, syntaxHighlighting, syntaxTree } from "@codemirror/language";
import { type EditorState, type Extension, RangeSetBuilder } from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  type EditorView,
  ViewPlugin,
  type ViewUpdate,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";

/** What every expression knows without being told: the clock, and which of how many it is. */
export const CLOCK = new Set(["t", "dt", "frame", "beat", "bar", "bpm", "i", "n", "c"]);

const colours = HighlightStyle.define([
  { tag: tags.comment, class: "token-comment" },
  { tag: [tags.string, tags.special(tags.string)], class: "token-string" },
  { tag: [tags.number, tags.bool, tags.null], class: "token-number" },
  {
    tag: [tags.function(tags.variableName), tags.function(tags.propertyName)],
    class: "token-call",
  },
  { tag: [tags.keyword, tags.operatorKeyword], class: "token-keyword" },
  { tag: [tags.operator, tags.punctuation, tags.definitionOperator], class: "token-punctuation" },
]);

export type NameKind = "defined" | "argument" | "clock";

const decorations: Record<NameKind, Decoration> = {
  defined: Decoration.mark({ class: "name-defined" }),
  argument: Decoration.mark({ class: "name-argument" }),
  clock: Decoration.mark({ class: "name-clock" }),
};

/** Every name that the grammar alone cannot place, in order: `(from, to, kind)`. */
export function names(state: EditorState): { from: number; to: number; kind: NameKind }[] {
  const found: { from: number; to: number; kind: NameKind }[] = [];
  syntaxTree(state).iterate({
    enter(node) {
      if (node.name !== "VariableName") return;
      const { from, to } = node;
      const parent = node.node.parent?.name;
      const isAssigned = node.node.nextSibling?.name === "AssignOp";
      if (parent === "ArgList" && isAssigned) found.push({ from, to, kind: "argument" });
      else if (parent === "AssignStatement" && isAssigned) found.push({ from, to, kind: "defined" });
      else if (parent !== "CallExpression" && CLOCK.has(state.sliceDoc(from, to)))
        found.push({ from, to, kind: "clock" });
    },
  });
  return found;
}

const nameMarks = ViewPlugin.fromClass(
  class {
    marks: DecorationSet;
    constructor(view: EditorView) {
      this.marks = mark(view.state);
    }
    update(update: ViewUpdate) {
      if (update.docChanged || syntaxTree(update.startState) !== syntaxTree(update.state)) {
        this.marks = mark(update.state);
      }
    }
  },
  { decorations: (plugin) => plugin.marks },
);

function mark(state: EditorState): DecorationSet {
  const builder = new RangeSetBuilder<Decoration>();
  for (const { from, to, kind } of names(state)) builder.add(from, to, decorations[kind]);
  return builder.finish();
}

export const patchLanguage: Extension = [pythonLanguage, syntaxHighlighting(colours), nameMarks];
