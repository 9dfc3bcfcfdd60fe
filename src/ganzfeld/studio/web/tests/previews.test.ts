import { ChangeSet } from "@codemirror/state";
import { describe, expect, it } from "vitest";
import type { AskPreviews, PreviewDrawn } from "../src/live/wire";
import { type Preview, Previews } from "../src/looking/previews";

const turn = () => new Promise<void>((done) => setTimeout(done));

function page() {
  const said: AskPreviews[] = [];
  const closed: number[] = [];
  const decoding: ((picture: ImageBitmap) => void)[] = [];
  const ends = {
    say: (message: AskPreviews) => said.push(message),
    isThere: true,
    atVersion(call: (log: string, version: number) => void) {
      if (ends.isThere) call("log", 7);
      return ends.isThere;
    },
    decode: () => new Promise<ImageBitmap>((done) => decoding.push(done)),
  };
  const decoded = async (name: number) => {
    decoding.shift()?.({ close: () => closed.push(name) } as unknown as ImageBitmap);
    await turn();
  };
  return { said, ends, closed, decoding, decoded, previews: new Previews(ends) };
}

const drawn = (request: number, index = 0, problem = ""): PreviewDrawn => ({
  kind: "previewed",
  request,
  index,
  width: 16,
  height: 9,
  jpeg: problem ? new Uint8Array() : new Uint8Array([1]),
  problem,
});

describe("previews", () => {
  it("asks for what was looked at last, and again for what was looked at before", async () => {
    const { said, previews } = page();
    const first = previews.look([{ values: { "/push": 1 } }], 96, () => {});
    await turn();
    const second = previews.look([{ changes: ChangeSet.of({ from: 0, insert: "x" }, 3) }, {}], 120, () => {});
    await turn();
    first.stop(); // not what is drawn: nothing is said
    await turn();
    second.stop();
    second.stop();
    await turn();
    expect(said).toEqual([
      expect.objectContaining({
        request: 1,
        height: 96,
        log: "log",
        version: 7,
        variants: [{ changes: null, values: { "/push": 1 }, line: "" }],
      }),
      expect.objectContaining({
        request: 2,
        variants: [
          { changes: [[0, "x"], 3], values: {}, line: "" },
          { changes: null, values: {}, line: "" },
        ],
      }),
      { kind: "preview", request: 3 },
    ]);
  });

  it("rolls that follow each other at once are one question", async () => {
    const { said, previews } = page();
    let looker = previews.look([{ line: "a" }], 96, () => {});
    for (const line of ["b", "c", "d"]) {
      looker.stop();
      looker = previews.look([{ line }], 96, () => {});
    }
    await turn();
    expect(said.map(({ variants }) => variants?.[0]?.line)).toEqual(["d"]);
  });

  it("shows the newest of each variant and closes it; what was asked for before is passed over", async () => {
    const { previews, decoded, decoding, closed } = page();
    const shown: Preview[] = [];
    previews.look([{}, {}], 96, (preview) => shown.push({ ...preview, picture: null }));
    await turn();
    previews.take(drawn(0));
    expect(decoding).toHaveLength(0);
    previews.take(drawn(1));
    previews.take({ ...drawn(1), width: 17 }); // waits
    previews.take({ ...drawn(1), width: 18 }); // in its place
    previews.take(drawn(1, 1));
    expect(decoding).toHaveLength(2);
    await decoded(0);
    await decoded(1);
    await decoded(2);
    expect(shown.map(({ index, width }) => [index, width])).toEqual([
      [0, 16],
      [1, 16],
      [0, 18],
    ]);
    expect(closed).toEqual([0, 1, 2]);
    previews.take(drawn(1, 0, "too little memory"));
    await turn();
    expect(shown.at(-1)).toMatchObject({ index: 0, picture: null, problem: "too little memory" });
  });

  it("has nothing drawn while nobody sees the page", async () => {
    const { said, previews } = page();
    previews.hide(true);
    await turn();
    expect(said).toEqual([]);
    previews.look([{}], 96, () => {});
    await turn();
    previews.hide(false);
    await turn();
    previews.hide(true);
    await turn();
    expect(said.map(({ variants }) => variants?.length ?? 0)).toEqual([0, 1, 0]);
  });

  it("asks again when the studio is back", async () => {
    const { said, ends, previews } = page();
    ends.isThere = false;
    previews.again();
    previews.look([{}], 96, () => {});
    await turn();
    expect(said).toEqual([]);
    ends.isThere = true;
    previews.again();
    await turn();
    expect(said).toHaveLength(1);
  });
});
