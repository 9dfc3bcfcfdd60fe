/** What a network's strip shows, worked out from what the studio tells of it. */

import type { CellOfPage, InsideLayer, InsideLine, InsideNetwork, InsideWeight } from "../../live/wire";

/** The lines that reach a layer, or all of them, in the order of the text. */
export function linesAt(network: InsideNetwork, layer: string): readonly InsideLine[] {
  return layer === "" ? network.lines : network.lines.filter(({ layers }) => layers.includes(layer));
}

/** The layers that something acts on now. */
export function bentLayers(network: InsideNetwork): ReadonlySet<string> {
  return new Set(network.lines.filter(({ acts }) => acts).flatMap(({ layers }) => layers));
}

/** The line that a click on a channel changes: the one that was chosen, or the first that bends this layer alone;
 * null: there is none, and channels are picked for the next bend. */
export function lineForChannels(network: InsideNetwork, layer: string, chosen: string): InsideLine | null {
  const fitting = linesAt(network, layer).filter(
    ({ method, reaches }) => method === "bend" && reaches === "activation",
  );
  return (
    fitting.find(({ name }) => name === chosen) ??
    fitting.find(({ layers, alone }) => alone && layers.length === 1) ??
    null
  );
}

/** The line beside which this one takes its place when it goes up (−1) or down (1) among those that are shown. */
export function neighbourOf(lines: readonly InsideLine[], line: InsideLine, by: -1 | 1): InsideLine | null {
  const kind = lines.filter(({ method, alone }) => method === line.method && alone);
  return kind[kind.findIndex(({ name }) => name === line.name) + by] ?? null;
}

/** One place of the row of sliders between two networks. */
export interface BlendAt {
  /** What the line says of it: a layer, or "*" for the whole network. */
  target: string;
  layer: string;
  line: InsideLine | null;
  amount: number;
  /** Other lines blend here, too. */
  shared: boolean;
}

/** The sliders of a blend: of the whole network, and of each layer that a line can speak of alone. */
export function blendsAt(
  network: InsideNetwork,
  other: string,
): { whole: BlendAt; layers: readonly (BlendAt | null)[] } {
  const lines = network.lines.filter((line) => line.method === "blend" && line.other === other);
  const at = (target: string, layer: string): BlendAt => {
    const line = lines.find((each) => each.target === target && !each.muted) ?? null;
    const shared = lines.some((each) => each !== line && each.layers.includes(layer));
    return { target, layer, line, amount: line ? (line.amount ?? Number.NaN) : 0, shared };
  };
  const own = network.layers.map((layer) => {
    if (layer.inner || layer.weights === 0) return null;
    const written = lines.find(({ target }) => target === layer.name);
    return at(written ? layer.name : layer.short, layer.name);
  });
  return { whole: at("*", ""), layers: own };
}

/** The networks that stand below this one, blended with it: those that the text names, and the one that was chosen. */
export function blendedWith(network: InsideNetwork, chosen: string): string {
  if (chosen !== "") return chosen;
  return network.lines.find(({ method }) => method === "blend")?.other ?? "";
}

/** "0-2,4-7": all of so many channels but one, as a bend's line lists them. */
export function allBut(channel: number, channels: number): string {
  const range = (from: number, to: number) =>
    from > to ? [] : from === to ? [`${from}`] : [`${from}-${to}`];
  return [...range(0, channel - 1), ...range(channel + 1, channels - 1)].join(",");
}

/** The line of a bend as the studio would write it; channels: those that were picked for it. */
export function bendLine(node: string, target: string, bends: string, channels: readonly number[]): string {
  if (channels.length === 0) return `${node}.bend("${target}", ${bends})`;
  const own = bends.split(", ").filter((each) => !/^(channels|soft|only)=/.test(each));
  return `${node}.bend("${target}", ${[...own, `channels=[${channels.join(", ")}]`].join(", ")})`;
}

const ACROSS = 8;

/** How many columns and rows a grid of so many channels has: the engine lays them in rows of eight. */
export function gridOf(count: number): { columns: number; rows: number } {
  return { columns: ACROSS, rows: Math.max(1, Math.ceil(count / ACROSS)) };
}

/** "64×128": width and height. */
export function sizeWords({ width, height }: Pick<InsideLayer, "width" | "height">): string {
  return `${width}×${height}`;
}

/** What a line reaches, in words. */
export function reachWords(line: InsideLine, network: InsideNetwork): string {
  if (line.reaches === "nothing") return "reaches nothing in this network";
  const all = line.layers.length === network.layers.length && network.layers.length > 1;
  const [first = "what comes before the layers"] = line.layers;
  const layers = all ? "all layers" : line.layers.length > 1 ? `${line.layers.length} layers` : first;
  if (line.reaches === "activation") return layers;
  return `${line.weights} ${line.weights === 1 ? "weight" : "weights"} of ${layers}`;
}

// Weights

export interface WeightGroup {
  /** The layer; "" for what comes before. */
  layer: string;
  weights: readonly InsideWeight[];
}

/** The weights that fit what is typed, by layer, in the network's order. Every word has to be in the name or the shape. */
export function weightGroups(network: InsideNetwork, find: string): readonly WeightGroup[] {
  const words = find.toLowerCase().split(/\s+/).filter(Boolean);
  const groups = new Map<string, InsideWeight[]>();
  for (const weight of network.weights) {
    const text = `${weight.name} ${weight.shape.join("×")}`.toLowerCase();
    if (!words.every((word) => text.includes(word))) continue;
    const group = groups.get(weight.layer);
    if (group) group.push(weight);
    else groups.set(weight.layer, [weight]);
  }
  return [...groups].map(([layer, weights]) => ({ layer, weights }));
}

/** A weight's name without what its group says already: "conv1.affine.bias". */
export function restOf(weight: InsideWeight): string {
  const name = weight.name.replace(/^synthesis\./, "");
  return weight.layer !== "" && name.startsWith(`${weight.layer}.`)
    ? name.slice(weight.layer.length + 1)
    : name;
}

// Numbers

export interface Histogram {
  low: number;
  high: number;
  /** One list of counts, or two: before and after bends. */
  counts: readonly (readonly number[])[];
}

/** What the numbers of a cell say; null if they are not there (yet). */
export function histogramOf(cell: CellOfPage | null): Histogram | null {
  const [low, high, ...counts] = cell?.numbers ?? [];
  if (low === undefined || high === undefined || counts.length < STEPS) return null;
  const lists = [
    counts.slice(0, STEPS),
    ...(counts.length >= 2 * STEPS ? [counts.slice(STEPS, 2 * STEPS)] : []),
  ];
  return { low, high, counts: lists };
}

const STEPS = 64;

/** The points of a closed SVG shape over counts, in a box; the tallest fills it. highest: of all that share the box. */
export function areaPoints(
  counts: readonly number[],
  width: number,
  height: number,
  highest: number,
): string {
  const top = Math.max(highest, Number.MIN_VALUE);
  const step = width / Math.max(counts.length, 1);
  const points = counts.flatMap((count, index) => {
    const y = (height * (1 - Math.max(0, count) / top)).toFixed(1);
    return [`${(index * step).toFixed(1)},${y}`, `${((index + 1) * step).toFixed(1)},${y}`];
  });
  return [`0,${height}`, ...points, `${width},${height}`].join(" ");
}

/** The points of an SVG line of powers (log10), slowest frequency left; what is not finite is left out. */
export function linePoints(values: readonly number[], width: number, height: number): string {
  const finite = values.filter(Number.isFinite);
  const low = Math.min(...finite);
  const span = Math.max(...finite) - low || 1;
  return values
    .map((value, index) => {
      if (!Number.isFinite(value)) return "";
      const x = (index * width) / Math.max(values.length - 1, 1);
      return `${x.toFixed(1)},${(height - ((value - low) * height) / span).toFixed(1)}`;
    })
    .filter(Boolean)
    .join(" ");
}

/** A number as it is read: three digits, no more. */
export function short(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))) : "–";
}
