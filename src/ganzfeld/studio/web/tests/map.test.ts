import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { MapNode, PatchMap } from "../src/live/wire";
import {
  type Box,
  curve,
  inputPlace,
  isUnread,
  laidOut,
  nextTo,
  outputPlace,
  rowsOf,
} from "../src/map/layout";
import { clampedScale, fitting, LARGEST, SMALLEST, showing, zoomed } from "../src/map/viewport";
import { endsOf } from "../src/map/Wires";
import { meant } from "../src/map/wiring";

// Written by tests/studio/test_studio_map.py, which also says when it is out of date.
const MAPS = JSON.parse(readFileSync("tests/maps.json", "utf8")) as Record<string, PatchMap>;
const basic = MAPS["basic.ganz"] as PatchMap;

const overlap = (a: Box, b: Box) =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;

const node = (map: PatchMap, name: string) => map.nodes.find((each) => each.name === name) as MapNode;

describe.each(Object.entries(MAPS))("the map of %s", (_name, map) => {
  const laid = laidOut(map);

  it("has every node, and none lies over another", () => {
    const boxes = [...laid.boxes.values()];
    expect(boxes.length).toBe(map.nodes.length);
    for (const [index, box] of boxes.entries()) {
      expect(box.x >= 0 && box.y >= 0 && box.x + box.width <= laid.width).toBe(true);
      for (const other of boxes.slice(index + 1)) expect(overlap(box, other)).toBe(false);
    }
  });

  it("goes from left to right along every wire", () => {
    for (const wire of laid.wires) {
      const ends = endsOf(wire, map, laid);
      expect(ends && ends.from.x < ends.to.x).toBe(true);
    }
    const inputs = map.nodes.flatMap(({ inputs }) => inputs.filter(({ source }) => source));
    expect(laid.wires.length).toBe(inputs.length + map.wires.length);
  });

  it("is the same each time, and every node is reached by arrow keys", () => {
    expect(laidOut(structuredClone(map))).toEqual(laid);
    const names = [...laid.boxes.keys()];
    const reached = new Set([names[0]]);
    for (const name of reached)
      for (const [dx, dy] of [
        [1, 0],
        [-1, 0],
        [0, 1],
        [0, -1],
      ] as const) {
        const next = nextTo(laid.boxes, name as string, dx, dy);
        if (next) reached.add(next);
      }
    expect(reached.size).toBe(names.length);
  });
});

it("knows what nothing reads", () => {
  for (const map of Object.values(MAPS))
    for (const each of map.nodes) {
      const reads = map.nodes.some(({ inputs }) => inputs.some(({ source }) => source === each.name));
      if (reads || each.output) expect(isUnread(map, each)).toBe(false);
    }
  const map = structuredClone(basic);
  const image = { ...node(map, "face"), name: "brush", lines: [], numbers: [] };
  map.nodes.push(image);
  expect(isUnread(map, image)).toBe(true);
  const line = { name: "b16", method: "bend", at: 1, mute: false, solo: false };
  const text = (mask: string) => [{ ...line, text: `face.bend("brush", scale=cos(t), mask=${mask})` }];
  node(map, "face").lines = text("brushes");
  expect(isUnread(map, image)).toBe(true);
  node(map, "face").lines = text("brush");
  expect(isUnread(map, image)).toBe(false);
});

it("shows on a node the numbers that its text gives, four at most", () => {
  expect(rowsOf(node(basic, "face")).map(({ name }) => name)).toEqual(["psi"]);
  expect(rowsOf(node(MAPS["organ.ganz"] as PatchMap, "face")).length).toBe(4);
  expect(rowsOf(node(basic, "drift")).length).toBe(1);
});

it("a wire begins at an output and ends at its input", () => {
  const face = node(basic, "face");
  expect(inputPlace(face, "latent").x).toBe(0);
  expect(outputPlace(face).x).toBeGreaterThan(0);
  expect(curve({ x: 0, y: 1 }, { x: 100, y: 2 })).toBe("M 0 1 C 50 1 50 2 100 2");
});

describe("the sight of a map", () => {
  const size = { width: 800, height: 500 };

  it("is all of a small map, never larger than it is, and never too small to be read", () => {
    expect(fitting({ width: 400, height: 300 }, size)).toEqual({ scale: 1, x: 200, y: 100 });
    expect(fitting({ width: 4000, height: 300 }, size).scale).toBeGreaterThan(0.5);
    const all = fitting({ width: 3000, height: 300 }, size, true);
    expect(all.scale * 3000).toBeLessThan(800);
    expect(fitting({ width: 0, height: 0 }, size).scale).toBe(1);
  });

  it("is enlarged about the pointer, within bounds", () => {
    const sight = { x: 10, y: 20, scale: 1 };
    const next = zoomed(sight, 2, 110, 120);
    expect(next).toEqual({ scale: 2, x: -90, y: -80 });
    expect(zoomed(sight, 1000, 0, 0).scale).toBe(LARGEST);
    expect(clampedScale(0)).toBe(SMALLEST);
  });

  it("moves as little as need be to show a node", () => {
    const sight = { x: 0, y: 0, scale: 1 };
    expect(showing(sight, { x: 100, y: 100, width: 50, height: 50 }, size)).toEqual(sight);
    expect(showing(sight, { x: 900, y: 100, width: 50, height: 50 }, size).x).toBe(800 - 18 - 950);
    expect(showing(sight, { x: -90, y: -80, width: 50, height: 50 }, size)).toEqual({
      scale: 1,
      x: 108,
      y: 98,
    });
  });
});

describe("a wire that is pulled", () => {
  const on = (name: string, input: string | null = null) => ({
    node: node(basic, name),
    input,
    number: null,
  });

  it("connects an output to the input that it is let go on, or to one that fits", () => {
    const wanted = { do: "connect", node: "target", input: "image", source: "face" };
    expect(meant({ node: node(basic, "face"), input: null }, on("target", "image"))).toEqual(wanted);
    expect(meant({ node: node(basic, "face"), input: null }, on("target"))).toEqual(wanted);
    expect(meant({ node: node(basic, "face"), input: null }, on("face"))).toBeNull();
    expect(meant({ node: node(basic, "face"), input: null }, on("source"))).toBeNull();
    expect(meant({ node: node(basic, "face"), input: null }, null)).toBeNull();
  });

  it("gives an input another source, or none where it needs none", () => {
    const face = node(basic, "face");
    const target = node(basic, "target");
    expect(meant({ node: target, input: "image" }, on("source"))).toEqual({
      do: "connect",
      node: "target",
      input: "image",
      source: "source",
    });
    expect(meant({ node: face, input: "latent" }, null)).toEqual({
      do: "disconnect",
      node: "face",
      input: "latent",
    });
    expect(meant({ node: face, input: "latent" }, on("target"))).toBeNull();
    expect(meant({ node: target, input: "image" }, null)).toBeNull();
  });

  it("has a number follow a knob or a signal", () => {
    const drift = node(basic, "drift");
    const psi = { node: node(basic, "face"), input: null, number: { line: "", name: "psi" } };
    expect(meant({ node: drift, input: null }, psi)).toMatchObject({
      do: "follow",
      name: "psi",
      source: "drift",
    });
    expect(meant({ node: drift, input: null }, on("face"))).toBeNull();
  });
});
