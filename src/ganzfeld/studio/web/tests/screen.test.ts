import { describe, expect, it } from "vitest";
import { Screen } from "../src/live/screen";
import type { EncodedFrame } from "../src/live/wire";

const frame = (number: number): EncodedFrame => ({
  kind: "frame",
  number,
  t: number,
  width: 1,
  height: 1,
  sent: 0,
  jpeg: new Uint8Array([number]),
  alpha: new Uint8Array(),
});

/** A screen whose decoder and display run only when told to. */
function bench() {
  const decodes: { number: number; finish: () => void; fail: () => void }[] = [];
  const refreshes: (() => void)[] = [];
  const seen = { drawn: [] as number[], acknowledged: [] as number[], closed: [] as number[] };
  const screen = new Screen<{ number: number; close(): void }>({
    decode: ({ jpeg }) =>
      new Promise((finish, fail) => {
        const number = jpeg[0] as number;
        const picture = { number, close: () => seen.closed.push(number) };
        decodes.push({ number, finish: () => finish(picture), fail: () => fail(new Error("no JPEG")) });
      }),
    draw: (picture) => seen.drawn.push(picture.number),
    beforeRefresh: (call) => refreshes.push(call),
    acknowledge: (number) => seen.acknowledged.push(number),
  });
  const settle = () => new Promise((done) => setTimeout(done));
  return {
    screen,
    decodes,
    seen,
    async decoded() {
      decodes.shift()?.finish();
      await settle();
    },
    async broken() {
      decodes.shift()?.fail();
      await settle();
    },
    refresh: () => refreshes.shift()?.(),
    refreshesAsked: () => refreshes.length,
  };
}

describe("Screen", () => {
  it("acknowledges a frame when it is drawn, not before", async () => {
    const { screen, seen, decoded, refresh } = bench();
    screen.take(frame(1));
    await decoded();
    expect(seen).toEqual({ drawn: [], acknowledged: [], closed: [] });
    refresh();
    expect(seen).toEqual({ drawn: [1], acknowledged: [1], closed: [1] });
  });

  it("passes over what arrives while it decodes, except the newest", async () => {
    const { screen, decodes, seen, decoded, refresh } = bench();
    for (const number of [1, 2, 3]) screen.take(frame(number));
    expect(decodes.map((each) => each.number)).toEqual([1]);
    await decoded();
    expect(decodes.map((each) => each.number)).toEqual([3]);
    refresh();
    await decoded();
    refresh();
    expect(seen.drawn).toEqual([1, 3]);
    expect(seen.acknowledged).toEqual([1, 3]); // 3 speaks for 2
  });

  it("draws the newest at a refresh, and frees the picture it never drew", async () => {
    const { screen, seen, decoded, refresh, refreshesAsked } = bench();
    screen.take(frame(1));
    await decoded();
    screen.take(frame(2));
    await decoded();
    expect(refreshesAsked()).toBe(1);
    refresh();
    expect(seen).toEqual({ drawn: [2], acknowledged: [2], closed: [1, 2] });
  });

  it("goes on after a frame that cannot be decoded", async () => {
    const { screen, seen, decoded, broken, refresh } = bench();
    screen.take(frame(1));
    await broken();
    expect(seen.acknowledged).toEqual([1]);
    screen.take(frame(2));
    await decoded();
    refresh();
    expect(seen.drawn).toEqual([2]);
  });

  it("acknowledges nothing while the page is hidden, so the studio stops sending", async () => {
    const { screen, seen, decoded } = bench();
    for (const number of [1, 2, 3]) {
      screen.take(frame(number));
      await decoded();
    }
    expect(seen.acknowledged).toEqual([]);
  });
});
