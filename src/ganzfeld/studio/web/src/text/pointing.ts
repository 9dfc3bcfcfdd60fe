/** Where a press lands: on the words, or on the picture beside them. */

import type { EditorView } from "@codemirror/view";

/** A press so far beyond the end of a line, in characters, still means its end. */
const REACH = 3;

export interface Press {
  clientX: number;
  clientY: number;
}

/** Whether a press is meant for the text: on its lines, or a little beyond their ends. */
export function isOnText(view: EditorView, { clientX, clientY }: Press): boolean {
  const place = view.posAtCoords({ x: clientX, y: clientY });
  if (place === null) return false;
  const end = view.coordsAtPos(view.state.doc.lineAt(place).to, -1);
  const start = view.coordsAtPos(view.state.doc.lineAt(place).from, 1);
  if (!end || !start) return false;
  const isInLine = clientY >= start.top - 4 && clientY <= end.bottom + 4;
  const isWrapped = end.top - start.top > 4;
  return isInLine && (isWrapped || clientX <= end.right + REACH * view.defaultCharacterWidth);
}
