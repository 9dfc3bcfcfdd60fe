/** Which lines of the text can be painted, and what their paintings are called. Pure. */

import type { InsideLine, InsideNetwork, PatchMap } from "../live/wire";

/** A line that bends layers. size: of the picture that its network makes. */
export interface PaintedLine {
  node: string;
  line: InsideLine;
  size: readonly [number, number];
}

const BRUSH = /^brush\d{0,2}$/;
const MOST_BRUSHES = 99;

/** The lines that a mask can be given. */
export function paintable(networks: readonly InsideNetwork[]): PaintedLine[] {
  return networks.flatMap(({ node, lines, size }) =>
    lines
      .filter(({ method, reaches }) => method === "bend" && reaches === "activation")
      .map((line) => ({ node, line, size })),
  );
}

/** Nodes that leave what their first input shows where it is. */
const IN_PLACE: ReadonlySet<string> = new Set(["levels", "upscale", "mix", "feedback"]);

/** The node whose picture goes out without being moved; "" if there is none. */
export function shownNode(map: PatchMap): string {
  const nodes = new Map(map.nodes.map((node) => [node.name, node]));
  let node = map.nodes.find(({ solo }) => solo) ?? map.nodes.find(({ output }) => output);
  for (let steps = 0; node && steps < map.nodes.length; steps += 1) {
    const isPassed = node.output || node.bypass || IN_PLACE.has(node.type);
    if (!isPassed) return node.name;
    node = nodes.get(node.inputs[0]?.source ?? "");
  }
  return "";
}

/** The name of the file that a brush of this name is kept in, beside a patch called so. */
export function fileOf(brush: string, patch: string): string {
  return `${patch.replace(/\.ganz$/, "")}.${brush}.png`;
}

/** The brush that a line shows already; "" if its mask is none, or another picture. */
export function brushOf(line: InsideLine, patch: string): string {
  const own = BRUSH.test(line.mask) && line.mask_file === fileOf(line.mask, patch);
  return own ? line.mask : "";
}

/** The first name of a brush that nothing in the text has. */
export function freeBrush(taken: ReadonlySet<string>): string {
  for (let number = 1; number <= MOST_BRUSHES; number += 1) {
    const name = number === 1 ? "brush" : `brush${number}`;
    if (!taken.has(name)) return name;
  }
  return `brush${MOST_BRUSHES}`;
}

/** The line to begin with: the one that is wished for, else one that was painted, else the first. */
export function firstLine(
  lines: readonly PaintedLine[],
  patch: string,
  wish: { node: string; line: string } | null,
): PaintedLine | null {
  const wished = lines.find((each) => each.node === wish?.node && each.line.name === wish.line);
  return wished ?? lines.find(({ line }) => brushOf(line, patch) !== "") ?? lines[0] ?? null;
}

export function keyOf(each: PaintedLine): string {
  return `${each.node}/${each.line.name}`;
}
