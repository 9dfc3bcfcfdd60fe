/** Where a knob's positions lie in its range: the same as `patch/knobs.py`. */

import type { KnobOnDesk } from "../live/wire";

type Range = Pick<KnobOnDesk, "low" | "high" | "curve">;

export function valueAt({ low, high, curve }: Range, position: number): number {
  const share = Math.min(Math.max(position, 0), 1);
  if (curve === "log") return low * (high / low) ** share;
  return low + (high - low) * share ** curve;
}

/** Where a value lies, 0 to 1: the other way round. */
export function positionAt({ low, high, curve }: Range, value: number): number {
  if (low === high) return 0;
  const share = curve === "log" ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  const position = typeof curve === "number" ? Math.max(share, 0) ** (1 / curve) : share;
  return Math.min(Math.max(position, 0), 1);
}

/** The number that somebody typed, with a comma or a point; null if it is none. */
export function typed(text: string): number | null {
  const plain = text.trim().replace("−", "-").replace(",", ".");
  const number = plain === "" ? Number.NaN : Number(plain);
  return Number.isFinite(number) ? number : null;
}

/** The same as a person would write it: what is turned on a screen has no sixteen digits. */
export function turnedTo(range: Range, position: number): number {
  return Number(valueAt(range, position).toPrecision(6));
}

/** A value with as many digits as its range makes sense of. */
export function written({ low, high }: Range, value: number): string {
  const span = Math.abs(high - low);
  const digits = span >= 100 ? 0 : span >= 10 ? 1 : 2;
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text;
}

/** /face/psi → face.psi */
export function nameOf(address: string): string {
  return address.slice(1).replaceAll("/", ".");
}

/** The next free letter: A to Z, then A2, B2, … */
export function freeName(taken: readonly string[]): string {
  for (let round = 1; ; round++) {
    for (const letter of "ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
      const name = round === 1 ? letter : `${letter}${round}`;
      if (!taken.includes(name)) return name;
    }
  }
}
