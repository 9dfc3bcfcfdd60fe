/** From one text to another, as changes. */

import { diff } from "@codemirror/merge";
import { ChangeSet, type Text } from "@codemirror/state";
import type { Changes } from "../../live/wire";

/** A long text is compared in pieces that are not the smallest there are, rather than slowly. */
const EFFORT = { scanLimit: 500, timeout: 50 };

/** Changes that make `after` of `before`. */
export function changesBetween(before: Text, written: string): ChangeSet {
  const text = before.toString();
  const after = written.replace(/\r\n?/g, "\n");
  const changes = diff(text, after, EFFORT).map(({ fromA, toA, fromB, toB }) => {
    const place = { fromA, toA, fromB, toB };
    keepPairs(place, text, after);
    return { from: place.fromA, to: place.toA, insert: after.slice(place.fromB, place.toB) };
  });
  return ChangeSet.of(changes, before.length);
}

/** A character beyond the first 65536 is two units: a change takes both or none. */
function keepPairs(
  place: { fromA: number; toA: number; fromB: number; toB: number },
  a: string,
  b: string,
): void {
  if (isInsidePair(a, place.fromA) || isInsidePair(b, place.fromB)) {
    place.fromA -= 1;
    place.fromB -= 1;
  }
  if (isInsidePair(a, place.toA) || isInsidePair(b, place.toB)) {
    place.toA += 1;
    place.toB += 1;
  }
}

function isInsidePair(text: string, place: number): boolean {
  const before = text.charCodeAt(place - 1);
  const after = text.charCodeAt(place);
  return before >= 0xd800 && before < 0xdc00 && after >= 0xdc00 && after < 0xe000;
}

export function fromWire(changes: Changes): ChangeSet {
  return ChangeSet.fromJSON(changes);
}

export function toWire(changes: ChangeSet): Changes {
  return changes.toJSON() as Changes;
}
