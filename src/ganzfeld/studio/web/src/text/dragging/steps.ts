/** From a hand's way to a number's value, and how that is written. */

export interface Span {
  low: number;
  high: number;
}

/** So many pixels go from one end of a span to the other; ten times as many with Shift. */
const TRAVEL = 240;
const FINE = 10;
/** A number without a span changes by one of its last digits each so many pixels. */
const PIXELS_A_STEP = 3;

/** What is dragged, as it was when the drag began. */
export interface Held {
  written: string;
  value: number;
  span: Span | null;
}

/** A number as it is written in the text; null for what is none that can be dragged (hexadecimal, 1e9, 2j). */
export function heldOf(written: string, span: Span | null): Held | null {
  if (!/^-?(\d+\.?\d*|\.\d+)$/.test(written)) return null;
  return { written, value: Number(written), span };
}

/** The digits after the point that a drag works with. */
export function digitsOf({ written, span }: Held): number {
  const own = written.includes(".") ? written.length - written.indexOf(".") - 1 : 0;
  if (!span) return Math.min(own, 6);
  const step = Math.abs(span.high - span.low) / TRAVEL;
  return step > 0 ? Math.min(Math.max(own, Math.ceil(-Math.log10(step))), 6) : own;
}

/** The value after the hand has moved `pixels` more to the right (or up). What began inside its span stays there. */
export function dragged(held: Held, value: number, pixels: number, fine: boolean): number {
  const { span } = held;
  const reach = fine ? pixels / FINE : pixels;
  if (!span) return value + (reach / PIXELS_A_STEP) * 10 ** -digitsOf(held);
  const next = value + (reach / TRAVEL) * (span.high - span.low);
  const [low, high] = [Math.min(span.low, span.high), Math.max(span.low, span.high)];
  const isInside = low <= held.value && held.value <= high;
  return isInside ? Math.min(Math.max(next, low), high) : next;
}

/** A value as a person would write it there: no more digits than a drag works with, and no zeros at the end. */
export function writtenAs(held: Held, value: number): string {
  const digits = digitsOf(held);
  const plain = value.toFixed(digits);
  const short = plain.includes(".") ? plain.replace(/0+$/, "").replace(/\.$/, "") : plain;
  return short === "-0" ? "0" : short;
}
