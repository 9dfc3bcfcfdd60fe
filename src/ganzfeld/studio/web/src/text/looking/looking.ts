/** Completion and explanations, as the editor has them. */

import {
  acceptCompletion,
  autocompletion,
  closeCompletion,
  completionStatus,
  moveCompletionSelection,
  selectedCompletionIndex,
  startCompletion,
} from "@codemirror/autocomplete";
import { type Extension, Prec } from "@codemirror/state";
import { type EditorView, hoverTooltip, keymap, type Tooltip } from "@codemirror/view";
import { currentWords } from "../words";
import { completing } from "./completing";
import { type Explained, explain } from "./explaining";
import { traceOf } from "./trace";

const HOVER_AFTER = 350;

/** Nothing is chosen before an arrow or Tab chooses it: Enter, at the end of a line, is a new line. */
const completionKeys = keymap.of([
  { key: "Ctrl-Space", run: startCompletion },
  { key: "Escape", run: closeCompletion },
  { key: "ArrowDown", run: moveCompletionSelection(true) },
  { key: "ArrowUp", run: moveCompletionSelection(false) },
  { key: "PageDown", run: moveCompletionSelection(true, "page") },
  { key: "PageUp", run: moveCompletionSelection(false, "page") },
  { key: "Enter", run: acceptCompletion },
  { key: "Tab", run: acceptFirst },
]);

function acceptFirst(view: EditorView): boolean {
  if (completionStatus(view.state) !== "active") return false;
  if (selectedCompletionIndex(view.state) === null) moveCompletionSelection(true)(view);
  return acceptCompletion(view);
}

export const looking: Extension = [
  autocompletion({
    override: [completing(currentWords)],
    defaultKeymap: false,
    selectOnOpen: false,
    interactionDelay: 0, // nothing is chosen before it is asked for: a quick Tab is meant
    icons: false,
    maxRenderedOptions: 60,
  }),
  Prec.highest(completionKeys),
  hoverTooltip(
    (view, place): Tooltip | null => {
      const words = currentWords();
      const about = words && explain(words, view.state, place);
      return about ? { pos: about.from, end: about.to, above: true, create: () => boxOf(about) } : null;
    },
    { hoverTime: HOVER_AFTER },
  ),
];

function boxOf({ title, detail, doc, address }: Explained) {
  const dom = document.createElement("div");
  dom.className = "explained";
  const head = document.createElement("div");
  head.className = "explained-title";
  head.textContent = title;
  dom.append(head);
  if (detail) dom.append(part("explained-detail", detail));
  if (doc) dom.append(part("explained-doc", doc));
  if (!address) return { dom };
  const trace = traceOf(address);
  dom.append(trace.dom);
  return { dom, destroy: trace.stop };
}

function part(name: string, text: string): HTMLElement {
  const dom = document.createElement("div");
  dom.className = name;
  dom.textContent = text;
  return dom;
}
