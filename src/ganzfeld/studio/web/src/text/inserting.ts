/** Where a line goes that the program writes for a person: where they would have written it. */

import { ensureSyntaxTree, syntaxTree } from "@codemirror/language";
import type { EditorState } from "@codemirror/state";

const PATIENCE = 200;

/** The end of the last statement that makes a node or bends it; null if the text has no such node. */
export function afterNode(state: EditorState, node: string): number | null {
  const tree = ensureSyntaxTree(state, state.doc.length, PATIENCE) ?? syntaxTree(state);
  let place: number | null = null;
  for (let statement = tree.topNode.firstChild; statement; statement = statement.nextSibling) {
    const text = state.sliceDoc(statement.from, Math.min(statement.to, statement.from + node.length + 40));
    const rest = text.startsWith(node) ? text.slice(node.length) : "";
    if (/^\s*=(?!=)/.test(rest) || rest.startsWith(".")) place = statement.to;
  }
  return place === null ? null : state.doc.lineAt(place).to;
}
