import { describe, expect, it } from "vitest";
import { socketAddress } from "../src/live/link";
import { layersOf } from "../src/output/joined";

/** A decoder of one-byte "pictures", of which 0 is broken. */
function decoder() {
  const closed: number[] = [];
  const decode = async (jpeg: Uint8Array<ArrayBuffer>) => {
    const value = jpeg[0] as number;
    if (value === 0) throw new Error("broken");
    return { width: value, height: value, close: () => closed.push(value) } as unknown as ImageBitmap;
  };
  return { closed, decode };
}

const frame = (jpeg: number, ...alpha: number[]) => ({
  jpeg: new Uint8Array([jpeg]),
  alpha: new Uint8Array(alpha),
});

describe("layers", () => {
  it("are colours and alpha, closed together", async () => {
    const { closed, decode } = decoder();
    const layers = await layersOf(frame(1, 2), decode);
    expect([layers.colours.width, layers.alpha?.width]).toEqual([1, 2]);
    layers.close();
    expect(closed).toEqual([1, 2]);
  });

  it("have no alpha where the picture is opaque", async () => {
    const { closed, decode } = decoder();
    const layers = await layersOf(frame(1), decode);
    expect(layers.alpha).toBeNull();
    layers.close();
    expect(closed).toEqual([1]);
  });

  it.each([
    [0, 2, [2]],
    [1, 0, [1]],
    [0, 0, []],
  ])("are none if one of both is broken, and nothing stays open (%d, %d)", async (jpeg, alpha, left) => {
    const { closed, decode } = decoder();
    await expect(layersOf(frame(jpeg, alpha), decode)).rejects.toThrow("picture");
    expect(closed).toEqual(left);
  });
});

describe("a page's socket", () => {
  it.each([
    [
      "http://127.0.0.1:8420/output?name=wall&height=720",
      "/output/live",
      "ws://127.0.0.1:8420/output/live?name=wall&height=720",
    ],
    ["https://stage/?fps=15#top", "/live", "wss://stage/live?fps=15"],
  ])("is asked for the same as the page: %s", (page, path, address) => {
    expect(socketAddress(page, path)).toBe(address);
  });
});
