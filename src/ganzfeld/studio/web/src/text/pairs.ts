/** A change takes a character beyond the first 65536 whole, or leaves it: the studio refuses half of one. */

import { type ChangeSpec, EditorState, type Text } from "@codemirror/state";

function isInsidePair(doc: Text, place: number): boolean {
  if (place <= 0 || place >= doc.length) return false;
  const two = doc.sliceString(place - 1, place + 1);
  return /^[\ud800-\udbff][\udc00-\udfff]$/.test(two);
}

/** Widens changes that begin or end between the halves of a pair. */
export const wholeCharacters = EditorState.transactionFilter.of((transaction) => {
  if (!transaction.docChanged) return transaction;
  const doc = transaction.startState.doc;
  let split = false;
  transaction.changes.iterChanges((fromA, toA) => {
    split ||= isInsidePair(doc, fromA) || isInsidePair(doc, toA);
  });
  if (!split) return transaction;
  const changes: ChangeSpec[] = [];
  transaction.changes.iterChanges((fromA, toA, _fromB, _toB, inserted) => {
    const from = isInsidePair(doc, fromA) ? fromA - 1 : fromA;
    const to = isInsidePair(doc, toA) ? toA + 1 : toA;
    const insert = doc.sliceString(from, fromA) + inserted.toString() + doc.sliceString(toA, to);
    changes.push({ from, to, insert });
  });
  return { changes, scrollIntoView: transaction.scrollIntoView };
});
