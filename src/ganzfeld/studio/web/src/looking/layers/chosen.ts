/** What of the networks is chosen to be looked at: a network, a layer, how, and which channels. */

import type { InsideNetwork, Insides } from "../../live/wire";

export type Tab = "channels" | "numbers" | "weights";
export type Colours = "active" | "mean" | "one";

export interface Chosen {
  node: string;
  /** "" for none: what is said then is of the whole network. */
  layer: string;
  /** How layers are drawn: their most active channels as colours, the mean of all, or one. */
  colours: Colours;
  /** That one. */
  one: number;
  tab: Tab;
  /** The grid of channels begins with the one that is so many places after the most active. */
  first: number;
  /** Of the line that channels are added to: its name; "": the first that can take them. */
  line: string;
  /** The names of the network's lines, as they were known last. */
  lines: readonly string[];
  /** Channels for the next bend, while no line takes them. */
  picked: readonly number[];
  /** The channel under the pointer. */
  hovered: number | null;
  /** The one that was under it last. */
  pointed: number | null;
  /** The bend under the pointer, as a line says it ("rotate=35"); "": none. */
  tried: string;
  /** What is hovered is on the wall, too. */
  armed: boolean;
  /** What weights are searched for. */
  find: string;
  weight: string;
  /** The network that a blend leads to; "" for the first that the text names. */
  other: string;
}

export const AT_FIRST: Chosen = {
  node: "",
  layer: "",
  colours: "active",
  one: 0,
  tab: "channels",
  first: 0,
  line: "",
  lines: [],
  picked: [],
  hovered: null,
  pointed: null,
  tried: "",
  armed: false,
  find: "",
  weight: "",
  other: "",
};

export type Choice =
  | { do: "network"; node: string }
  | { do: "layer"; node: string; layer: string }
  | { do: "colours"; colours: Colours; one?: number }
  | { do: "tab"; tab: Tab }
  | { do: "page"; first: number }
  | { do: "line"; line: string }
  | { do: "pick"; channel: number }
  | { do: "picked"; channels: readonly number[] }
  | { do: "hover"; channel: number | null }
  | { do: "try"; bend: string }
  | { do: "arm"; armed: boolean }
  | { do: "find"; find: string }
  | { do: "weight"; weight: string }
  | { do: "other"; other: string }
  | { do: "fit"; insides: Insides };

/** What is chosen after a choice. Another layer has other channels, so what was chosen of those goes. */
export function withChoice(chosen: Chosen, choice: Choice): Chosen {
  switch (choice.do) {
    case "network":
      return choice.node === chosen.node ? chosen : elsewhere(chosen, choice.node, "");
    case "layer":
      if (choice.node === chosen.node && choice.layer === chosen.layer) return chosen;
      return elsewhere(chosen, choice.node, choice.layer);
    case "colours":
      return { ...chosen, colours: choice.colours, one: Math.max(0, choice.one ?? chosen.one) };
    case "tab":
      return { ...chosen, tab: choice.tab, hovered: null };
    case "page":
      return { ...chosen, first: Math.max(0, choice.first), hovered: null };
    case "line":
      return { ...chosen, line: choice.line, picked: [] };
    case "pick":
      return { ...chosen, picked: toggled(chosen.picked, choice.channel) };
    case "picked":
      return { ...chosen, picked: choice.channels };
    case "hover":
      return choice.channel === chosen.hovered
        ? chosen
        : { ...chosen, hovered: choice.channel, pointed: choice.channel ?? chosen.pointed };
    case "try":
      return choice.bend === chosen.tried ? chosen : { ...chosen, tried: choice.bend };
    case "arm":
      return { ...chosen, armed: choice.armed };
    case "find":
      return { ...chosen, find: choice.find };
    case "weight":
      return { ...chosen, weight: choice.weight };
    case "other":
      return { ...chosen, other: choice.other };
    case "fit":
      return fitted(chosen, choice.insides);
  }
}

function elsewhere(chosen: Chosen, node: string, layer: string): Chosen {
  const isSame = node === chosen.node;
  return {
    ...chosen,
    node,
    layer,
    other: isSame ? chosen.other : "",
    lines: isSame ? chosen.lines : [],
    first: 0,
    line: "",
    picked: [],
    hovered: null,
    pointed: null,
    tried: "",
    armed: false,
    weight: "",
  };
}

/** What is chosen of a text that has changed: what is gone cannot be chosen. */
function fitted(chosen: Chosen, insides: Insides): Chosen {
  const network = networkOf(insides, chosen.node);
  if (!network) return insides.networks[0] ? elsewhere(chosen, insides.networks[0].node, "") : chosen;
  if (chosen.layer !== "" && !network.layers.some(({ name }) => name === chosen.layer))
    return elsewhere(chosen, network.node, "");
  const lines = network.lines.map(({ name }) => name);
  const isSame = lines.length === chosen.lines.length && lines.every((name, at) => name === chosen.lines[at]);
  if (isSame) return chosen;
  // A bend that was put on this layer just now is the one that is meant next.
  const came = network.lines.filter(({ name, layers }) => {
    return !chosen.lines.includes(name) && layers.includes(chosen.layer);
  });
  const isNew = chosen.lines.length > 0 && lines.length === chosen.lines.length + 1 && came.length === 1;
  if (isNew) return { ...chosen, lines, line: came[0]?.name ?? "", picked: [] };
  return { ...chosen, lines, line: lines.includes(chosen.line) ? chosen.line : "" };
}

export function networkOf(insides: Insides | null, node: string): InsideNetwork | undefined {
  return insides?.networks.find((network) => network.node === node);
}

/** A list with a number in it, in its order, or without it if it was there. */
export function toggled(numbers: readonly number[], number: number): readonly number[] {
  return numbers.includes(number)
    ? numbers.filter((each) => each !== number)
    : [...numbers, number].sort((a, b) => a - b);
}
