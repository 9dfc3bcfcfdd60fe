/** Where everything is on the map: worked out from what the patch says alone, so that it is the same each time. */

import { Graph, layout } from "@dagrejs/dagre";
import type { MapNode, MapNumber, PatchMap } from "../live/wire";

/** Sizes in the map's own pixels; the style sheet has the same. */
export const WIDTH = 240;
export const HEAD = 40;
export const PICTURE = 135;
/** A latent's picture shows its numbers. */
export const LATENT = 56;
export const ROW = 30;
export const FOOT = 8;
/** So many numbers stand on a node; all of them stand beside the map when it is chosen. */
export const MOST_ROWS = 4;

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Wire {
  from: string;
  to: string;
  kind: "image" | "latent" | "number";
  /** The input that reads it; "" for a number. */
  input: string;
}

export interface Laid {
  boxes: ReadonlyMap<string, Box>;
  wires: readonly Wire[];
  width: number;
  height: number;
}

/** The numbers that stand on a node: those that the text gives, and can be turned. */
export function rowsOf(node: MapNode): readonly MapNumber[] {
  const turned = node.numbers.filter((number) => number.low !== null && number.address !== "");
  if (node.type === "knob" || node.type === "signal") return node.numbers;
  return turned.filter((number) => number.text !== "").slice(0, MOST_ROWS);
}

/** How high a node's picture is on the map; 0: it has none. */
export function pictureHeight(node: MapNode): number {
  if (node.output || node.makes.includes("image")) return PICTURE;
  return node.makes.includes("latent") ? LATENT : 0;
}

export function heightOf(node: MapNode): number {
  return HEAD + pictureHeight(node) + rowsOf(node).length * ROW + FOOT;
}

/** All wires: first those between nodes, in the order of the text, then those between numbers. */
export function wiresOf(map: PatchMap): Wire[] {
  const makes = new Map(map.nodes.map((node) => [node.name, node]));
  const wires: Wire[] = [];
  for (const node of map.nodes) {
    for (const input of node.inputs)
      if (makes.has(input.source))
        wires.push({ from: input.source, to: node.name, kind: input.makes, input: input.name });
  }
  for (const [from, to] of map.wires) wires.push({ from, to, kind: "number", input: "" });
  return wires;
}

/** Lays the map out from left to right. */
export function laidOut(map: PatchMap): Laid {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 26, edgesep: 12, ranksep: 64, marginx: 0, marginy: 0 });
  for (const node of map.nodes) graph.setNode(node.name, { width: WIDTH, height: heightOf(node) });
  const wires = wiresOf(map);
  for (const { from, to, kind, input } of wires)
    graph.setEdge(from, to, { weight: kind === "number" ? 1 : 4 }, `${kind} ${input}`);
  if (map.nodes.length > 0) layout(graph);
  const boxes = new Map<string, Box>();
  for (const { name } of map.nodes) {
    const { x = 0, y = 0, width, height } = graph.node(name) as Box;
    boxes.set(name, { x: x - width / 2, y: y - height / 2, width, height });
  }
  const all = [...boxes.values()];
  return {
    boxes,
    wires,
    width: Math.max(0, ...all.map(({ x, width }) => x + width)),
    height: Math.max(0, ...all.map(({ y, height }) => y + height)),
  };
}

/** Where an input's end of a wire is on its node, from the node's corner. */
export function inputPlace(node: MapNode, input: string): { x: number; y: number } {
  const index = node.inputs.findIndex(({ name }) => name === input);
  return { x: 0, y: HEAD / 2 + 4 + Math.max(index, 0) * 22 };
}

/** Where what a number follows comes in: at its row, or at the foot if it is not one of those that stand there. */
export function numberPlace(node: MapNode, source: string): { x: number; y: number } {
  const row = rowsOf(node).findIndex(({ reads }) => reads.includes(source));
  const top = HEAD + pictureHeight(node);
  return { x: 0, y: row < 0 ? heightOf(node) - FOOT / 2 : top + row * ROW + ROW / 2 };
}

export function outputPlace(node: MapNode): { x: number; y: number } {
  return { x: WIDTH, y: pictureHeight(node) > 0 ? HEAD + pictureHeight(node) / 2 : HEAD / 2 };
}

/** The way of a wire between two points. */
export function curve(from: { x: number; y: number }, to: { x: number; y: number }): string {
  const reach = Math.max(28, Math.min(120, Math.abs(to.x - from.x) / 2));
  return `M ${from.x} ${from.y} C ${from.x + reach} ${from.y} ${to.x - reach} ${to.y} ${to.x} ${to.y}`;
}

/** The node that is next in a direction, for the arrow keys; null if there is none. */
export function nextTo(boxes: ReadonlyMap<string, Box>, name: string, dx: number, dy: number): string | null {
  const from = boxes.get(name);
  if (!from) return boxes.keys().next().value ?? null;
  let best: string | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const [other, box] of boxes) {
    if (other === name) continue;
    const x = box.x + box.width / 2 - (from.x + from.width / 2);
    const y = box.y + box.height / 2 - (from.y + from.height / 2);
    const along = x * dx + y * dy;
    const across = Math.abs(x * dy) + Math.abs(y * dx);
    if (along <= 1) continue;
    const distance = along + 2 * across;
    if (distance < least) [best, least] = [other, distance];
  }
  return best;
}

/** Whether a node makes a picture or a latent that nothing reads: no input, and no line of a network (`mask=brush`). */
export function isUnread(map: PatchMap, { name, output, makes }: MapNode): boolean {
  if (output || makes.length === 0 || makes.includes("number")) return false;
  const word = new RegExp(`(?<![\\w"'./])${name.replaceAll(/\W/g, "\\$&")}(?!\\w)`);
  return !map.nodes.some(
    ({ inputs, lines }) =>
      inputs.some(({ source }) => source === name) ||
      lines.some(({ text }) => word.test(text.slice(text.indexOf("(")))),
  );
}
