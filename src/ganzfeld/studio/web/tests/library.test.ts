import { describe, expect, it } from "vitest";
import { type Brought, changed, nextOf } from "../src/library/bringing";
import { nodesFor, nodeTypeOf, outputOf, sameItem, shownItems } from "../src/library/items";
import type { LibraryItem, Words } from "../src/live/wire";

function item(kind: LibraryItem["kind"], name: string, more: Partial<LibraryItem> = {}): LibraryItem {
  const bare = { place: "beside", said: name, about: "", folder: "", size: 1, key: "", has_picture: false };
  return { what: `beside:${name}`, kind, name, ...bare, ...more } as LibraryItem;
}

const ITEMS = [
  item("network", "faces.pkl", { about: "stylegan2, 512 px" }),
  item("network", "planets", { place: "shipped", about: "moons and ringed giants" }),
  item("film", "Waves of May.mp4"),
  item("picture", "may.png"),
];

describe("what is shown", () => {
  it("is what a tab holds, and what a search finds in names, words and places", () => {
    const found = (tab: Parameters<typeof shownItems>[1], typed: string) =>
      shownItems(ITEMS, tab, typed).map(({ name }) => name);
    expect(found("all", "")).toHaveLength(4);
    expect(found("network", "")).toEqual(["faces.pkl", "planets"]);
    expect(found("all", "MAY")).toEqual(["Waves of May.mp4", "may.png"]);
    expect(found("all", "may waves")).toEqual(["Waves of May.mp4"]);
    expect(found("all", "ringed")).toEqual(["planets"]);
    expect(found("all", "comes with")).toEqual(["planets"]);
    expect(found("film", "faces")).toEqual([]);
  });

  it("knows an item again", () => {
    expect(sameItem(item("film", "a.gif"), item("film", "a.gif", { has_picture: true }))).toBe(true);
    expect(sameItem(item("film", "a.gif"), item("picture", "a.gif"))).toBe(false);
  });
});

describe("what plays a file", () => {
  const types = { face: "network", other: "network", still: "image", clip: "movie", out: "out" };
  const words = { types } as unknown as Words;

  it("is a node of its type, then one that may become so", () => {
    expect(nodesFor(ITEMS[0] as LibraryItem, words)).toEqual(["face", "other"]);
    expect(nodesFor(item("picture", "a.png"), words)).toEqual(["still", "clip"]);
    expect(nodesFor(item("film", "a.mp4"), words)).toEqual(["clip", "still"]);
    expect(nodesFor(item("song", "a.wav"), words)).toEqual([]);
    expect(nodesFor(item("film", "a.mp4"), null)).toEqual([]);
    expect(nodeTypeOf("patch")).toBeNull();
    expect(outputOf(words)).toBe("out");
    expect(outputOf(null)).toBeNull();
  });
});

describe("files on their way", () => {
  const entry = (number: number, stage: Brought["stage"]): Brought => {
    return { number, name: `${number}`, size: 1, stage, share: 0, problem: "", arrived: null };
  };

  it("are sent two at a time, in their order", () => {
    const all = [entry(1, "waits"), entry(2, "waits"), entry(3, "waits")];
    expect(nextOf(all).map(({ number }) => number)).toEqual([1, 2]);
    const going = changed(all, 1, { stage: "comes" });
    expect(nextOf(going).map(({ number }) => number)).toEqual([2]);
    expect(nextOf(changed(going, 2, { stage: "looked at" }))).toEqual([]);
    // One that waits for a place, or was refused, holds up nobody.
    const asked = changed(changed(going, 1, { stage: "arrived" }), 2, { stage: "refused" });
    expect(nextOf(asked).map(({ number }) => number)).toEqual([3]);
  });
});
