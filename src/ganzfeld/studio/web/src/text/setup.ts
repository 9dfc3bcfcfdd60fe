/** What the editor is made of, but for the document and what depends on the page. */

import { closeBrackets, closeBracketsKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { bracketMatching, indentUnit } from "@codemirror/language";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension } from "@codemirror/state";
import { drawSelection, dropCursor, EditorView, keymap, rectangularSelection } from "@codemirror/view";
import { tellPerson } from "../live/show";
import { caretMarks } from "./carets";
import { renames } from "./edits";
import { patchLanguage } from "./language";
import { changeMarks, rollMarks } from "./marks";
import { numberMarks } from "./numbers";
import { wholeCharacters } from "./pairs";
import { problemMarks, problemSight } from "./problems";
import { veiled } from "./veil";
import { written } from "./written";

/** So many steps can be undone at least. */
const UNDO = 10_000;
/** The studio takes messages of 64 KiB, and one change is one message: a larger piece is refused, with a word. */
const LARGEST_PIECE = 20_000;

const moderate = EditorState.changeFilter.of((transaction) => {
  let largest = 0;
  transaction.changes.iterChanges((_fromA, _toA, _fromB, _toB, inserted) => {
    largest = Math.max(largest, inserted.length);
  });
  if (largest <= LARGEST_PIECE) return true;
  tellPerson(
    "That is too much at once",
    `A piece of ${LARGEST_PIECE} characters is the largest: put it in by parts.`,
  );
  return false;
});

export const editor: Extension = [
  history({ minDepth: UNDO }),
  drawSelection(),
  dropCursor(),
  rectangularSelection(),
  EditorState.allowMultipleSelections.of(true),
  EditorState.tabSize.of(4),
  indentUnit.of("    "),
  EditorView.lineWrapping,
  EditorView.contentAttributes.of({
    "aria-label": "Patch",
    autocapitalize: "off",
    autocorrect: "off",
    spellcheck: "false",
  }),
  bracketMatching(),
  closeBrackets(),
  search({ top: true }),
  highlightSelectionMatches(),
  moderate,
  wholeCharacters,
  patchLanguage,
  written,
  problemMarks,
  problemSight,
  changeMarks,
  rollMarks,
  numberMarks,
  caretMarks,
  renames,
  veiled,
];

/** Text keys; the page's own (Ctrl+Enter, Ctrl+S, …) are taken before they come here (`keys.ts`). */
export const textKeys: Extension = keymap.of([
  ...closeBracketsKeymap,
  ...defaultKeymap,
  ...searchKeymap,
  ...historyKeymap,
  indentWithTab,
]);
