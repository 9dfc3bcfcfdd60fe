/** What the library shows, and what can be done with it. Pure. */

import type { FileKind, LibraryItem, Words } from "../live/wire";

export const TABS = ["all", "network", "patch", "film", "picture", "song"] as const;
export type Tab = (typeof TABS)[number];

export const TAB_WORDS: Record<Tab, string> = {
  all: "all",
  network: "networks",
  patch: "patches",
  film: "films",
  picture: "pictures",
  song: "songs",
};

/** What stands where there is no picture. */
export const GLYPHS: Record<FileKind, string> = {
  network: "◍",
  patch: "≡",
  film: "▶",
  picture: "▣",
  song: "♪",
};

const PLACES: Record<LibraryItem["place"], string> = {
  shipped: "comes with Ganzfeld",
  example: "an example",
  beside: "beside the patch",
  mine: "in your folder",
};

/** Where an item is, for people. */
export function placeWords(item: LibraryItem): string {
  return PLACES[item.place];
}

/** The items of a tab that have all words of a search in them, in their order. */
export function shownItems(items: readonly LibraryItem[], tab: Tab, typed: string): LibraryItem[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return items.filter((item) => {
    if (tab !== "all" && item.kind !== tab) return false;
    const said = [item.name, item.about, TAB_WORDS[item.kind], placeWords(item)].join(" ").toLowerCase();
    return words.every((word) => said.includes(word));
  });
}

/** An item is the same after the list was fetched again. */
export function sameItem(one: LibraryItem, other: LibraryItem): boolean {
  return one.what === other.what && one.kind === other.kind;
}

/** The type of node that plays a kind of file; null: none does. */
export function nodeTypeOf(kind: FileKind): string | null {
  return { network: "network", film: "movie", picture: "image", patch: null, song: null }[kind];
}

/** Nodes of the patch that can play this item in the place of what they play: those of its own type first. */
export function nodesFor(item: LibraryItem, words: Words | null): string[] {
  const type = nodeTypeOf(item.kind);
  if (!type || !words) return [];
  const other = { movie: "image", image: "movie" }[type];
  const named = Object.entries(words.types);
  return [type, other].flatMap((wanted) =>
    named.filter(([, known]) => known === wanted).map(([name]) => name),
  );
}

/** The output that an audience sees: the first; null while the patch is not known. */
export function outputOf(words: Words | null): string | null {
  return Object.entries(words?.types ?? {}).find(([, type]) => type === "out")?.[0] ?? null;
}
