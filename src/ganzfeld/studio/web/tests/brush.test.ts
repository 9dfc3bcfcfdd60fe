import { describe, expect, it } from "vitest";
import {
  brushOf,
  fileOf,
  firstLine,
  freeBrush,
  type PaintedLine,
  paintable,
  shownNode,
} from "../src/brush/lines";
import { contained, isAlike } from "../src/brush/place";
import {
  type Change,
  coverage,
  emptyMask,
  filled,
  type Mask,
  maskOf,
  Stroke,
  sizeFor,
  swapped,
  type Tip,
  tinted,
  whole,
} from "../src/brush/strokes";
import type { InsideLine, InsideNetwork, MapNode } from "../src/live/wire";

const HARD: Tip = { size: 0.25, softness: 0, erases: false };

function painted(mask: Mask, tip: Tip, ...places: [number, number][]): Change {
  const stroke = new Stroke(mask, tip);
  for (const [x, y] of places) stroke.to(x, y);
  const change = stroke.ended();
  if (!change) throw new Error("it changed nothing");
  return change;
}

function at(mask: Mask, x: number, y: number): number {
  return mask.at[y * mask.width + x] ?? -1;
}

describe("a stroke", () => {
  it("covers what its tip went over, and nothing else", () => {
    const mask = emptyMask(60, 40);
    painted(mask, HARD, [10, 20], [50, 20]);
    for (const x of [10, 30, 49]) expect(at(mask, x, 20)).toBe(255);
    expect(at(mask, 30, 23)).toBe(255);
    expect([at(mask, 30, 27), at(mask, 30, 13), at(mask, 3, 20), at(mask, 57, 20)]).toEqual([0, 0, 0, 0]);
  });

  it("covers no more where it crosses itself or rests", () => {
    const soft = { ...HARD, softness: 1 };
    const [once, often] = [emptyMask(40, 40), emptyMask(40, 40)];
    painted(once, soft, [10, 20], [30, 20]);
    painted(often, soft, [10, 20], [30, 20], [10, 20], [30, 20], [30, 20]);
    expect(often.at).toEqual(once.at);
    const across = [...once.at.subarray(20 * 40, 21 * 40)];
    expect(Math.max(...across)).toBeGreaterThan(240);
    const down = Array.from({ length: 7 }, (_, row) => at(once, 20, 20 + row));
    expect(down).toEqual([...down].sort((one, other) => other - one));
  });

  it("erases as it paints", () => {
    const mask = emptyMask(40, 40);
    filled(mask, 255);
    painted(mask, { ...HARD, erases: true }, [20, 20]);
    expect(at(mask, 20, 20)).toBe(0);
    expect(at(mask, 2, 2)).toBe(255);
  });

  it("may begin and end outside", () => {
    const mask = emptyMask(20, 20);
    painted(mask, HARD, [-30, 10], [50, 10]);
    expect(at(mask, 0, 10)).toBe(255);
    expect(at(mask, 19, 10)).toBe(255);
    const stroke = new Stroke(mask, HARD);
    expect(stroke.to(-90, -90)).toBeNull();
    expect(stroke.ended()).toBeNull();
  });

  it("is taken back and made again, in any order that undo has", () => {
    const mask = emptyMask(50, 30);
    const states = [mask.at.slice()];
    const done: Change[] = [];
    for (const [tip, place] of [
      [HARD, [10, 10]],
      [{ ...HARD, softness: 0.7 }, [14, 12]],
      [{ ...HARD, erases: true }, [12, 11]],
    ] as [Tip, [number, number]][]) {
      done.push(painted(mask, tip, place, [40, 20]));
      states.push(mask.at.slice());
    }
    done.push(filled(mask, 0));
    states.push(mask.at.slice());
    const undone: Change[] = [];
    for (let step = 3; step >= 0; step -= 1) {
      undone.push(swapped(mask, done.pop() as Change));
      expect(mask.at).toEqual(states[step]);
    }
    for (let step = 1; step <= 4; step += 1) {
      swapped(mask, undone.pop() as Change);
      expect(mask.at).toEqual(states[step]);
    }
  });
});

describe("coverage", () => {
  it("falls from the middle to the edge, hard or soft", () => {
    for (const softness of [0, 0.3, 1]) {
      const falls = Array.from({ length: 40 }, (_, away) => coverage(away / 2, 12, softness));
      expect(falls[0]).toBe(1);
      expect(falls.at(-1)).toBe(0);
      expect(falls).toEqual([...falls].sort((one, other) => other - one));
    }
    expect(coverage(0, 0.5, 0)).toBe(1);
  });
});

describe("a mask as pixels", () => {
  it("is white as opaque as it is full, and comes back from that", () => {
    const mask = emptyMask(16, 16);
    mask.at.forEach((_, place) => {
      mask.at[place] = place;
    });
    const pixels = tinted(mask, whole(mask), [255, 255, 255], 1);
    expect([...pixels.subarray(7 * 4, 8 * 4)]).toEqual([255, 255, 255, 7]);
    expect(maskOf(pixels, 16, 16).at).toEqual(mask.at);
    expect(maskOf(new Uint8ClampedArray([0, 0, 0, 255]), 1, 1).at[0]).toBe(0);
  });

  it("has the shape of its picture", () => {
    expect(sizeFor(256, 256)).toEqual({ width: 512, height: 512 });
    expect(sizeFor(1920, 1080)).toEqual({ width: 512, height: 288 });
    expect(sizeFor(9, 9000)).toEqual({ width: 1, height: 512 });
  });
});

function line(name: string, more: Partial<InsideLine> = {}): InsideLine {
  const rest = { mask: "", mask_file: "", bends: [], channels: null, alone: true, muted: false, solo: false };
  const place = { text: name, line: 1, end_line: 1, target: "b8", layers: ["b8"], weights: 0, acts: true };
  return {
    ...{
      name,
      method: "bend",
      reaches: "activation",
      ...place,
      ...rest,
      other: "",
      amount: null,
      address: "",
    },
    ...more,
  };
}

function network(node: string, lines: InsideLine[]): InsideNetwork {
  const sizes = { width: 8, height: 8, size: [16, 8] as [number, number], latent: 4, rows: 2 };
  return {
    ...{ node, file: "planets", kind: "stylegan2", source: "", shows: "", problem: "", blends: [], ...sizes },
    ...{ layers: [], weights: [], lines },
  };
}

describe("lines", () => {
  const own = line("own", { mask: "brush2", mask_file: "night.brush2.png" });
  const networks = [
    network("a", [line("one"), line("weights", { reaches: "weight" }), line("mix", { method: "blend" })]),
    network("b", [line("two", { mask: "clouds" }), own]),
  ];

  it("that bend layers can be painted", () => {
    const found = paintable(networks).map(({ node, line, size }) => [node, line.name, size]);
    expect(found).toEqual([
      ["a", "one", [16, 8]],
      ["b", "two", [16, 8]],
      ["b", "own", [16, 8]],
    ]);
  });

  it("begin with the one that is wished for, or that was painted", () => {
    const lines = paintable(networks);
    const name = (wish: { node: string; line: string } | null, from: PaintedLine[] = lines) =>
      firstLine(from, "night.ganz", wish)?.line.name;
    expect(name({ node: "b", line: "two" })).toBe("two");
    expect(name({ node: "z", line: "two" })).toBe("own");
    expect(name(null)).toBe("own");
    expect(name(null, lines.slice(0, 2))).toBe("one");
    expect(name(null, [])).toBeUndefined();
  });

  it("have a painting of their own only beside their own patch", () => {
    expect(fileOf("brush", "night.ganz")).toBe("night.brush.png");
    expect(brushOf(own, "night.ganz")).toBe("brush2");
    expect(brushOf(own, "day.ganz")).toBe("");
    expect(brushOf(line("x", { mask: "photo", mask_file: "night.photo.png" }), "night.ganz")).toBe("");
    expect(freeBrush(new Set())).toBe("brush");
    expect(freeBrush(new Set(["brush", "brush2", "face"]))).toBe("brush3");
  });
});

describe("the node that is shown", () => {
  const node = (name: string, type: string, source = "", more: Partial<MapNode> = {}): MapNode => ({
    ...{ name, type, makes: ["image"], at: 1, end: 1, named: true, output: type === "out", network: false },
    ...{ inputs: source ? [{ name: "image", makes: "image", required: true, source }] : [], numbers: [] },
    ...{ lines: [], passes: true, bypass: false, solo: false },
    ...more,
  });
  const shown = (...nodes: MapNode[]) =>
    shownNode({ nodes, wires: [], problem: "", hint: "", line: 0, log: "", version: 0 });
  const face = node("face", "network");

  it("goes out unmoved", () => {
    expect(shown(face, node("out", "out", "face"))).toBe("face");
    expect(shown(face, node("out", "out", "dark"), node("dark", "levels", "face"))).toBe("face");
    const turned = node("turned", "flip", "face");
    expect(shown(face, node("out", "out", "turned"), turned)).toBe("turned");
    expect(shown(face, node("out", "out", "turned"), { ...turned, bypass: true })).toBe("face");
    expect(shown({ ...face, solo: true }, node("out", "out", "turned"), turned)).toBe("face");
  });

  it("may be none", () => {
    expect(shown(face)).toBe("");
    expect(shown(node("out", "out", "gone"))).toBe("");
    expect(shown(node("out", "out", "a"), node("a", "levels", "a"))).toBe("");
  });
});

describe("where the picture is", () => {
  it("is as large as it goes, in the middle", () => {
    expect(contained({ width: 2, height: 1 }, { width: 800, height: 800 })).toEqual({
      ...{ left: 0, top: 200, width: 800, height: 400 },
    });
    const apart = contained({ width: 1, height: 1 }, { width: 1000, height: 500 }, 20, 100);
    expect(apart).toEqual({ left: 320, top: 20, width: 360, height: 360 });
  });

  it("is the show's if the shapes are the same", () => {
    expect(isAlike({ width: 256, height: 256 }, { width: 1080, height: 1080 })).toBe(true);
    expect(isAlike({ width: 1920, height: 1080 }, { width: 1280, height: 722 })).toBe(true);
    expect(isAlike({ width: 256, height: 256 }, { width: 1920, height: 1080 })).toBe(false);
    expect(isAlike({ width: 256, height: 256 }, { width: 0, height: 0 })).toBe(false);
  });
});
