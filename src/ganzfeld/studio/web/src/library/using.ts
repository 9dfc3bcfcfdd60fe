/** Uses what the library has: it changes the text as a hand would, hears a song, opens a patch. */

import { say, tellPerson } from "../live/show";
import type { Fitting, LibraryItem, UnfitLine } from "../live/wire";
import { edit } from "../text/edits";
import { asked } from "./bringing";
import { nodeTypeOf } from "./items";

/** Which lines of a node would not fit this network; null: it cannot be used, and the person was told why. */
export async function unfitLines(item: LibraryItem, node: string): Promise<readonly UnfitLine[] | null> {
  try {
    const found = await asked<Fitting>("POST", "/api/library/try", { what: item.what, node });
    if (found.what === "") return found.lines;
    tellPerson(found.what, found.hint);
  } catch (error) {
    tellPerson(error instanceof Error ? error.message : String(error), "");
  }
  return null;
}

/** A node plays this from now on; lines that do not fit are muted. Returns whether it was done. */
export async function playIn(
  item: LibraryItem,
  node: string,
  unfit: readonly UnfitLine[] = [],
): Promise<boolean> {
  const type = nodeTypeOf(item.kind);
  if (!type) return false;
  const mute = unfit.flatMap(({ names }) => names);
  return (await edit("use", { node, file: item.said, type, mute })).changes !== null;
}

/** A node more, which plays this. shownBy: the output that shows it from now on, "": nothing does yet. */
export async function addNode(item: LibraryItem, shownBy = ""): Promise<boolean> {
  const type = nodeTypeOf(item.kind);
  if (!type) return false;
  const input = shownBy ? "image" : "";
  return (await edit("add", { type, file: item.said, reader: shownBy, input })).changes !== null;
}

/** The show hears a song, or a film's sound. */
export async function hear(item: LibraryItem): Promise<boolean> {
  try {
    await asked("POST", "/api/library/listen", { what: item.what, kind: item.kind });
    return true;
  } catch (error) {
    tellPerson(error instanceof Error ? error.message : String(error), "");
    return false;
  }
}

export function open(item: LibraryItem): void {
  say({ kind: "open", what: item.what });
}
