/** Where unsent typing is kept, so that neither a reload nor a crash of the page loses it. */

import type { Changes } from "../../live/wire";

/** Edits that have no place in the studio's log yet, and the text that they began from. */
export interface Unsent {
  log: string;
  /** The patch's file (or its name, if it has none): edits of another patch are not mixed in. */
  patch: string;
  version: number;
  client: string;
  base: string;
  changes: Changes[];
}

export interface Shelf {
  read(): Unsent | null;
  keep(unsent: Unsent): void;
  clear(): void;
}

const KEY = "ganzfeld-unsent";

/** The browser's storage of this tab. It outlives a reload and a crash, and no other tab reads it. */
export function tabShelf(storage: Storage): Shelf {
  return {
    read: () => parsed(storage.getItem(KEY)),
    keep(unsent) {
      try {
        storage.setItem(KEY, JSON.stringify(unsent));
      } catch {
        // Full, or not allowed: then only the page itself holds it.
      }
    },
    clear: () => storage.removeItem(KEY),
  };
}

/** What was kept; null for whatever this page has not written so. */
export function parsed(text: string | null): Unsent | null {
  if (text === null) return null;
  try {
    const found = JSON.parse(text) as Partial<Unsent> | null;
    const isWhole =
      found !== null &&
      [found.log, found.patch, found.client, found.base].every((each) => typeof each === "string") &&
      Number.isInteger(found.version) &&
      Array.isArray(found.changes);
    return isWhole ? (found as Unsent) : null;
  } catch {
    return null;
  }
}
