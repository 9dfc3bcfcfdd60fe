import { describe, expect, it } from "vitest";
import { type Atlas, AtlasBook, keyOf, MOST_VIEWS, type View } from "../src/live/atlas";
import type { ViewOfPage } from "../src/live/wire";

const node = (name: string): View => ({ of: "node", node: name });

/** A book whose timers and display run only when told to. */
function bench() {
  const later: (() => void)[] = [];
  const refreshes: (() => void)[] = [];
  const looks: ViewOfPage[][] = [];
  const drawn: number[] = [];
  const closed: number[] = [];
  const book = new AtlasBook({
    look: (views) => looks.push(views),
    drawn: (number) => drawn.push(number),
    soon: (call) => later.push(call),
    beforeRefresh: (call) => refreshes.push(call),
  });
  const run = (calls: (() => void)[]) => {
    for (const call of calls.splice(0)) call();
  };
  return {
    book,
    looks,
    drawn,
    closed,
    gather: () => run(later),
    refresh: () => run(refreshes),
    atlas(number: number, ids: number[]): Atlas {
      const cells = ids.map((id) => ({
        id,
        x: 16 * id,
        y: 0,
        width: 16,
        height: 16,
        numbers: [],
        channels: [],
        problem: "",
      }));
      const picture = { close: () => closed.push(number) } as unknown as ImageBitmap;
      return { kind: "atlas", number, t: 0, width: 64, height: 16, picture, cells };
    },
  };
}

describe("AtlasBook", () => {
  it("says in one message what all look at, the same view once", () => {
    const { book, looks, gather } = bench();
    book.connected(true);
    book.lookAt(node("a"));
    book.lookAt(node("b"));
    book.lookAt({ ...node("a"), size: 128, channels: "active" });
    expect(looks).toEqual([]);
    gather();
    expect(looks).toEqual([
      [
        { id: 0, of: "node", node: "a" },
        { id: 1, of: "node", node: "b" },
      ],
    ]);
  });

  it("looks until the last who looks has stopped, and then at nothing", () => {
    const { book, looks, closed, gather, refresh, atlas } = bench();
    book.connected(true);
    const [one, other] = [book.lookAt(node("a")), book.lookAt(node("a"))];
    gather();
    book.take(atlas(1, [0]));
    refresh();
    one.stop();
    one.stop();
    gather();
    expect(looks).toHaveLength(1);
    expect(other.cell()?.id).toBe(0);
    expect(one.cell()).toBeNull();
    other.stop();
    gather();
    expect(looks.at(-1)).toEqual([]);
    expect(closed).toEqual([1]);
    expect(book.atlas()).toBeNull();
  });

  it("says nothing to a studio that is not there, or that lets this page watch only, and all of it again to one that is back", () => {
    const { book, looks, gather } = bench();
    book.lookAt(node("a"));
    gather();
    expect(looks).toEqual([]);
    book.connected(true);
    book.connected(false);
    book.connected(true);
    expect(looks).toEqual([[{ id: 0, of: "node", node: "a" }], [{ id: 0, of: "node", node: "a" }]]);
  });

  it("looks at nothing while the page is hidden", () => {
    const { book, looks, gather } = bench();
    book.connected(true);
    book.lookAt(node("a"));
    gather();
    book.shown(false);
    book.shown(true);
    expect(looks.map((views) => views.length)).toEqual([1, 0, 1]);
  });

  it("acknowledges an atlas when it is drawn, and lets the one before go", () => {
    const { book, drawn, closed, gather, refresh, atlas } = bench();
    book.connected(true);
    const looking = book.lookAt(node("a"));
    let heard = 0;
    const stop = book.onAtlas(() => {
      heard += 1;
    });
    gather();
    book.take(atlas(1, [0]));
    expect([looking.cell()?.x, heard, drawn]).toEqual([0, 0, []]);
    refresh();
    expect([heard, drawn]).toEqual([1, [1]]);
    book.take(atlas(2, []));
    expect(closed).toEqual([1]);
    expect(looking.cell()).toBeNull();
    stop();
    refresh();
    expect([heard, drawn]).toEqual([1, [1, 2]]);
  });

  it("asks for no more than the studio takes: the newest", () => {
    const { book, looks, gather } = bench();
    book.connected(true);
    for (let number = 0; number < MOST_VIEWS + 3; number++) book.lookAt(node(`n${number}`));
    gather();
    expect(looks[0]).toHaveLength(MOST_VIEWS);
    expect(looks[0]?.[0]?.node).toBe("n3");
  });

  it("knows views that ask for the same", () => {
    expect(keyOf(node("a"))).toBe(keyOf({ ...node("a"), layer: "", first: 0 }));
    expect(keyOf(node("a"))).not.toBe(keyOf({ ...node("a"), size: 64 }));
  });
});
