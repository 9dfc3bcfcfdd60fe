/** How large the patch can be written over the picture. */

export const SMALLEST = 14;
export const LARGEST = 30;
/** Line height and character width over font size: the style sheet's, and JetBrains Mono's. */
export const LINE = 1.55;
export const CHARACTER = 0.6;
/** What the padding of a line takes, in characters. */
const PADDING = 2;

/**
 * The font size in pixels at which a text fills `width` × `height` pixels without wrapping or scrolling, between
 * `SMALLEST` and `LARGEST`. Longer lines than most are let wrap: they do not make the rest small.
 */
export function fontSize(text: string, width: number, height: number): number {
  const lengths = text.split("\n").map((line) => line.trimEnd().length);
  const longest = Math.max(...lengths, 20) + PADDING;
  const byHeight = height / (lengths.length * LINE);
  const byWidth = width / (longest * CHARACTER);
  return clamp(Math.floor(Math.min(byHeight, byWidth) * 2) / 2, SMALLEST, LARGEST);
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
