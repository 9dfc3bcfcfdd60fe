/** What a hand does to the lines of a network: each is an edit of the text, which is played. */

import type { InsideLine, InsideNetwork } from "../../live/wire";
import { edit } from "../../text/edits";

/** Writes a bend of a layer or weight below the network's last line. */
export function bend(node: string, target: string, bends: string, channels: readonly number[]): void {
  void edit("bend", { node, target, bends, channels: [...channels] });
}

/** A channel comes into a line's list, or goes from it. */
export function putChannel(network: InsideNetwork, line: InsideLine, channel: number, on: boolean): void {
  void edit("channels", { ...named(network, line), channel, on });
}

/** Two lines change their places. */
export function swap(network: InsideNetwork, line: InsideLine, other: InsideLine): void {
  void edit("order", { ...named(network, line), other: other.name });
}

export function mute(network: InsideNetwork, line: InsideLine): void {
  void edit("mute", { ...named(network, line), on: !line.muted });
}

export function solo(network: InsideNetwork, line: InsideLine): void {
  void edit("solo_line", { ...named(network, line), on: !line.solo });
}

export function drop(network: InsideNetwork, line: InsideLine): void {
  void edit("drop", named(network, line));
}

/** A layer is shown instead of the picture; "": the picture again. channel: that one alone. */
export function show(node: string, layer: string, channel?: number): void {
  void edit("show", { node, layer: layer === "" ? "image" : layer, channel: channel ?? null });
}

/** How far a layer ("*": all of it) is blended with another network. */
export function blend(node: string, other: string, target: string, amount: number): Promise<unknown> {
  return edit("blend", { node, other, target, amount });
}

/** A line is known by its name; `at` tells that it still stands where the page saw it. */
function named({ node }: InsideNetwork, { name, line }: InsideLine) {
  return { node, line: name, at: line };
}
