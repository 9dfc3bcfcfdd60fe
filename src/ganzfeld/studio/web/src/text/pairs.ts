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
    changes.push(whole(doc, fromA, toA, inserted.toString()));
  });
  return { changes, scrollIntoView: transaction.scrollIntoView };
});

/** What goes between the halves goes before them. A half that goes takes the other along, unless it gets a new one. */
function whole(doc: Text, from: number, to: number, inserted: string): ChangeSpec {
  if (from === to) {
    const place = isInsidePair(doc, from) ? from - 1 : from;
    return { from: place, insert: inserted };
  }
  const start = isInsidePair(doc, from) ? from - 1 : from;
  const end = isInsidePair(doc, to) ? to + 1 : to;
  const first = /^[\udc00-\udfff]/.test(inserted) ? doc.sliceString(start, from) : "";
  const last = /[\ud800-\udbff]$/.test(inserted) ? doc.sliceString(to, end) : "";
  return { from: start, to: end, insert: first + inserted + last };
}
