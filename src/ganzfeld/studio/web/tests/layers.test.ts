import { describe, expect, it } from "vitest";
import type { CellOfPage, InsideLayer, InsideLine, InsideNetwork, Insides } from "../src/live/wire";
import { AT_FIRST, type Choice, toggled, withChoice } from "../src/looking/layers/chosen";
import {
  allBut,
  areaPoints,
  bendLine,
  bentLayers,
  blendedWith,
  blendsAt,
  gridOf,
  histogramOf,
  lineForChannels,
  linePoints,
  linesAt,
  neighbourOf,
  reachWords,
  restOf,
  weightGroups,
} from "../src/looking/layers/model";

function layer(name: string, more: Partial<InsideLayer> = {}): InsideLayer {
  const size = { channels: 8, height: 4, width: 8, weights: 3, inner: false, plays: true };
  return { name, short: name, ...size, ...more };
}

function line(name: string, more: Partial<InsideLine> = {}): InsideLine {
  return {
    name,
    method: "bend",
    text: "",
    line: 1,
    end_line: 1,
    target: "b8",
    reaches: "activation",
    layers: ["b8"],
    weights: 0,
    bends: ["multiply"],
    channels: null,
    alone: true,
    muted: false,
    solo: false,
    acts: true,
    mask: "",
    mask_file: "",
    other: "",
    amount: null,
    address: "",
    ...more,
  };
}

const NETWORK: InsideNetwork = {
  node: "face",
  file: "planets",
  kind: "stylegan2",
  width: 16,
  height: 8,
  size: [16, 8],
  latent: 4,
  rows: 3,
  source: "",
  shows: "",
  layers: [layer("b4"), layer("b8.conv0", { inner: true }), layer("b8"), layer("L6_52_9", { short: "L6" })],
  weights: [
    { name: "mapping.fc0.weight", shape: [4, 4], layer: "" },
    { name: "synthesis.b8.conv1.affine.bias", shape: [512], layer: "b8" },
    { name: "synthesis.b8.conv1.weight", shape: [8, 8, 3, 3], layer: "b8" },
  ],
  lines: [
    line("muted", { acts: false, layers: ["b4"] }),
    line("all", { target: "*", layers: ["b4", "b8.conv0", "b8", "L6_52_9"] }),
    line("one", { channels: [3] }),
    line("weights", { reaches: "weight", weights: 2 }),
    line("mix", { method: "blend", other: "flowers", target: "b8", amount: 0.4, reaches: "weight" }),
    line("mix-2", {
      method: "blend",
      other: "flowers",
      target: "*",
      reaches: "weight",
      layers: ["b4", "b8"],
    }),
    line("two"),
  ],
  blends: ["flowers"],
  problem: "",
};
const INSIDES: Insides = { networks: [NETWORK], problem: "", log: "a", version: 1 };

function chosenBy(...choices: Choice[]) {
  return choices.reduce(withChoice, withChoice(AT_FIRST, { do: "fit", insides: INSIDES }));
}

describe("what is chosen", () => {
  it("begins with the first network, and goes from a layer to another without its channels", () => {
    expect(chosenBy().node).toBe("face");
    const b8 = chosenBy(
      { do: "layer", node: "face", layer: "b8" },
      { do: "pick", channel: 7 },
      { do: "pick", channel: 3 },
    );
    expect(b8.picked).toEqual([3, 7]);
    expect(withChoice(b8, { do: "pick", channel: 7 }).picked).toEqual([3]);
    const armed = withChoice(withChoice(b8, { do: "arm", armed: true }), { do: "hover", channel: 2 });
    const moved = withChoice(armed, { do: "layer", node: "face", layer: "b4" });
    expect([moved.picked, moved.armed, moved.hovered, moved.first]).toEqual([[], false, null, 0]);
    expect(withChoice(armed, { do: "layer", node: "face", layer: "b8" })).toBe(armed);
  });

  it("keeps what is still there when the text changes", () => {
    const chosen = chosenBy({ do: "layer", node: "face", layer: "b8" }, { do: "line", line: "one" });
    const known = withChoice(chosen, { do: "fit", insides: INSIDES });
    expect(known.line).toBe("one");
    expect(withChoice(known, { do: "fit", insides: INSIDES })).toBe(known);
    const without = { ...INSIDES, networks: [{ ...NETWORK, lines: [] }] };
    expect(withChoice(known, { do: "fit", insides: without })).toEqual({ ...known, line: "", lines: [] });
    const smaller = { ...INSIDES, networks: [{ ...NETWORK, layers: [layer("b4")] }] };
    expect(withChoice(chosen, { do: "fit", insides: smaller }).layer).toBe("");
    const other = { ...INSIDES, networks: [{ ...NETWORK, node: "skin" }] };
    expect(withChoice(chosen, { do: "fit", insides: other })).toMatchObject({
      node: "skin",
      layer: "",
      line: "",
    });
    expect(withChoice(chosen, { do: "fit", insides: { ...INSIDES, networks: [] } })).toBe(chosen);
  });

  it("takes up the bend that was just put on the layer", () => {
    const chosen = chosenBy({ do: "layer", node: "face", layer: "b8" }, { do: "fit", insides: INSIDES });
    const more = (...lines: InsideLine[]) => ({
      ...INSIDES,
      networks: [{ ...NETWORK, lines: [...NETWORK.lines, ...lines] }],
    });
    const picked = withChoice(chosen, { do: "pick", channel: 3 });
    expect(withChoice(picked, { do: "fit", insides: more(line("new")) })).toMatchObject({
      line: "new",
      picked: [],
    });
    const elsewhere = more(line("new", { layers: ["b4"] }));
    expect(withChoice(picked, { do: "fit", insides: elsewhere })).toMatchObject({ line: "", picked: [3] });
    expect(withChoice(chosen, { do: "fit", insides: more(line("a"), line("b")) }).line).toBe("");
  });

  it("never leaves the grid or the first channel", () => {
    expect(chosenBy({ do: "page", first: -64 }).first).toBe(0);
    expect(chosenBy({ do: "colours", colours: "one", one: -3 })).toMatchObject({ colours: "one", one: 0 });
    expect(toggled([5, 1], 3)).toEqual([1, 3, 5]);
  });
});

describe("the lines of a layer", () => {
  it("are those that reach it, and glow while they act", () => {
    expect(linesAt(NETWORK, "b4").map(({ name }) => name)).toEqual(["muted", "all", "mix-2"]);
    expect(linesAt(NETWORK, "")).toBe(NETWORK.lines);
    const silent = { ...NETWORK, lines: [line("muted", { acts: false, layers: ["b4"] })] };
    expect([...bentLayers(silent)]).toEqual([]);
    expect(bentLayers(NETWORK).has("b4")).toBe(true);
  });

  it("take channels where they bend this layer alone, or where a person chose", () => {
    expect(lineForChannels(NETWORK, "b8", "")?.name).toBe("one");
    expect(lineForChannels(NETWORK, "b8", "all")?.name).toBe("all");
    expect(lineForChannels(NETWORK, "b8", "weights")?.name).toBe("one");
    expect(lineForChannels(NETWORK, "L6_52_9", "")).toBeNull();
  });

  it("change places within their kind", () => {
    const lines = linesAt(NETWORK, "b8");
    const named = (name: string) => lines.find((each) => each.name === name) ?? line("");
    expect(neighbourOf(lines, named("two"), -1)?.name).toBe("weights");
    expect(neighbourOf(lines, named("mix"), 1)?.name).toBe("mix-2");
    expect(neighbourOf(lines, named("all"), -1)).toBeNull();
    expect(neighbourOf(lines, named("two"), 1)).toBeNull();
  });

  it("say what they reach", () => {
    expect(reachWords(line("a"), NETWORK)).toBe("b8");
    expect(reachWords(NETWORK.lines[1] ?? line(""), NETWORK)).toBe("all layers");
    expect(reachWords(line("a", { reaches: "weight", weights: 1 }), NETWORK)).toBe("1 weight of b8");
    expect(reachWords(line("a", { reaches: "nothing", layers: [] }), NETWORK)).toMatch(/nothing/);
  });
});

describe("the sliders of a blend", () => {
  it("are one a layer that a line can speak of alone, and one for all", () => {
    const { whole, layers } = blendsAt(NETWORK, "flowers");
    expect(whole).toMatchObject({ target: "*", amount: Number.NaN, shared: false });
    expect(layers.map((at) => at?.target)).toEqual(["b4", undefined, "b8", "L6"]);
    expect(layers.map((at) => at?.amount)).toEqual([0, undefined, 0.4, 0]);
    expect(layers.map((at) => at?.shared)).toEqual([true, undefined, true, false]);
    expect(blendedWith(NETWORK, "")).toBe("flowers");
    expect(blendedWith({ ...NETWORK, lines: [] }, "")).toBe("");
  });
});

describe("weights", () => {
  it("are found by name and shape, by layer", () => {
    expect(weightGroups(NETWORK, "").map(({ layer, weights }) => [layer, weights.length])).toEqual([
      ["", 1],
      ["b8", 2],
    ]);
    expect(weightGroups(NETWORK, "b8 3×3")[0]?.weights.map(restOf)).toEqual(["conv1.weight"]);
    expect(weightGroups(NETWORK, "nothing like it")).toEqual([]);
  });
});

describe("numbers of cells", () => {
  const cell = {
    id: 0,
    x: 0,
    y: 0,
    width: 0,
    height: 0,
    channels: [],
    problem: "",
  } satisfies Partial<CellOfPage>;
  it("are one histogram, or two that share their steps", () => {
    const counts = Array.from({ length: 64 }, (_, index) => index);
    expect(histogramOf(null)).toBeNull();
    expect(histogramOf({ ...cell, numbers: [0, 1, 2] })).toBeNull();
    expect(histogramOf({ ...cell, numbers: [-1, 2, ...counts] })).toEqual({
      low: -1,
      high: 2,
      counts: [counts],
    });
    expect(histogramOf({ ...cell, numbers: [-1, 2, ...counts, ...counts] })?.counts).toHaveLength(2);
  });

  it("become shapes that stay in their box", () => {
    expect(areaPoints([0, 2], 10, 4, 2)).toBe("0,4 0.0,4.0 5.0,4.0 5.0,0.0 10.0,0.0 10,4");
    expect(areaPoints([0, 0], 10, 4, 0)).not.toMatch(/NaN|Infinity/);
    expect(linePoints([1, Number.NEGATIVE_INFINITY, 3], 10, 4)).toBe("0.0,4.0 10.0,0.0");
    expect(linePoints([], 10, 4)).toBe("");
  });

  it("list all channels but one", () => {
    expect(allBut(3, 8)).toBe("0-2,4-7");
    expect([allBut(0, 3), allBut(2, 3), allBut(1, 3), allBut(0, 1)]).toEqual(["1-2", "0-1", "0,2", ""]);
  });

  it("write a bend as the studio does", () => {
    expect(bendLine("face", "b8", "rotate=2, channels=0.5", [])).toBe(
      'face.bend("b8", rotate=2, channels=0.5)',
    );
    const picked = bendLine("face", "b8", "rotate=2, channels=0.5", [3, 7]);
    expect(picked).toBe('face.bend("b8", rotate=2, channels=[3, 7])');
  });

  it("lie in a grid of eight columns", () => {
    expect(gridOf(64)).toEqual({ columns: 8, rows: 8 });
    expect(gridOf(3)).toEqual({ columns: 8, rows: 1 });
    expect(gridOf(0)).toEqual({ columns: 8, rows: 1 });
  });
});
