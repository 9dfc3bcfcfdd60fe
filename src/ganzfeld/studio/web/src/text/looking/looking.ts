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
import {
  closeHoverTooltips,
  type EditorView,
  hasHoverTooltips,
  hoverTooltip,
  keymap,
  type Tooltip,
  type TooltipView,
  ViewPlugin,
} from "@codemirror/view";
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
      return about && { pos: about.from, end: about.to, ...placed(view, about) };
    },
    { hoverTime: HOVER_AFTER, hideOnChange: true },
  ),
  ViewPlugin.define((view) => {
    // Of the whole page: in PLAY keys do not come to the text.
    const close = () => {
      if (hasHoverTooltips(view.state)) view.dispatch({ effects: closeHoverTooltips });
    };
    addEventListener("keydown", close, { capture: true });
    return { destroy: () => removeEventListener("keydown", close, { capture: true }) };
  }),
];

/** So much room an explanation wants beside the words, and so many lines it may reach down, at most. */
const NARROWEST = 220;
const REACHES = 8;
const GAP = 24;

/** Right of the words, if there is room: there it covers none of them. */
function placed(view: EditorView, about: Explained): { above: boolean; create(): TooltipView } {
  const { doc } = view.state;
  const first = doc.lineAt(about.from).number;
  let right = 0;
  for (let number = first; number <= Math.min(first + REACHES, doc.lines); number++)
    right = Math.max(right, view.coordsAtPos(doc.line(number).to, -1)?.right ?? 0);
  const left = right + GAP;
  const room = view.dom.getBoundingClientRect().right - left;
  if (room < NARROWEST) return { above: true, create: () => boxOf(about) };
  const beside = (pos: number) => {
    const word = view.coordsAtPos(pos, 1) ?? view.dom.getBoundingClientRect();
    return { left, right: left, top: word.bottom, bottom: word.top };
  };
  return {
    above: false,
    create() {
      const box = boxOf(about);
      box.dom.style.maxWidth = `${room}px`;
      return { ...box, getCoords: beside };
    },
  };
}

function boxOf({ title, detail, doc, address }: Explained): TooltipView {
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
