/** Painting a mask: how much of each pixel a brush covers, and strokes that can be taken back. Pure. */

/** How much is let through, 0 … 255 for each pixel, row after row. */
export interface Mask {
  width: number;
  height: number;
  at: Uint8ClampedArray;
}

export interface Tip {
  /** Its diameter, as a share of the mask's height. */
  size: number;
  /** 0: a hard edge; 1: it fades from its middle on. */
  softness: number;
  erases: boolean;
}

/** Pixels from left to right and top to bottom, the ends left out. */
export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** What a stroke changed: how it was within a box. */
export interface Change {
  box: Box;
  was: Uint8ClampedArray;
}

export const MOST_SIDE = 512;
export const MOST_STROKES = 40;

export function emptyMask(width: number, height: number): Mask {
  return { width, height, at: new Uint8ClampedArray(width * height) };
}

/** The size of a mask for a picture of this shape. */
export function sizeFor(width: number, height: number): { width: number; height: number } {
  const scale = MOST_SIDE / Math.max(width, height, 1);
  return {
    width: Math.max(1, Math.round(width * scale)),
    height: Math.max(1, Math.round(height * scale)),
  };
}

/** How much a brush covers so far from its middle (both in pixels), 0 … 1. */
export function coverage(distance: number, radius: number, softness: number): number {
  const inner = Math.min(radius * (1 - softness), radius - 0.5);
  const outer = Math.max(radius, inner + 1);
  const share = (outer - distance) / (outer - inner);
  if (share <= 0) return 0;
  if (share >= 1) return 1;
  return share * share * (3 - 2 * share);
}

/** One stroke while it grows. Where it crosses itself, it covers no more than once. */
export class Stroke {
  private readonly covered: Uint8ClampedArray;
  private readonly before: Uint8ClampedArray;
  private last: { x: number; y: number } | null = null;
  private reached: Box | null = null;

  constructor(
    private readonly mask: Mask,
    private readonly tip: Tip,
  ) {
    this.covered = new Uint8ClampedArray(mask.at.length);
    this.before = mask.at.slice();
  }

  /** Goes on to this place, in pixels of the mask. What it returns has changed. */
  to(x: number, y: number): Box | null {
    const from = this.last ?? { x, y };
    this.last = { x, y };
    const radius = Math.max(0.5, (this.tip.size * this.mask.height) / 2);
    const reach = radius + 1;
    const box = within(this.mask, {
      left: Math.floor(Math.min(from.x, x) - reach),
      top: Math.floor(Math.min(from.y, y) - reach),
      right: Math.ceil(Math.max(from.x, x) + reach) + 1,
      bottom: Math.ceil(Math.max(from.y, y) + reach) + 1,
    });
    if (!box) return null;
    const { width, at } = this.mask;
    for (let row = box.top; row < box.bottom; row += 1) {
      for (let column = box.left; column < box.right; column += 1) {
        const away = distanceTo(column + 0.5, row + 0.5, from, { x, y });
        const covers = Math.round(255 * coverage(away, radius, this.tip.softness));
        const place = row * width + column;
        if (covers <= (this.covered[place] ?? 0)) continue;
        this.covered[place] = covers;
        const was = this.before[place] ?? 0;
        at[place] = this.tip.erases ? Math.min(was, 255 - covers) : Math.max(was, covers);
      }
    }
    this.reached = this.reached ? around(this.reached, box) : box;
    return box;
  }

  /** What it has changed, to be taken back; null: nothing. */
  ended(): Change | null {
    if (!this.reached) return null;
    return { box: this.reached, was: cut(this.before, this.mask.width, this.reached) };
  }
}

/** Puts back what was there; what it returns would make it again. */
export function swapped(mask: Mask, change: Change): Change {
  const now = cut(mask.at, mask.width, change.box);
  const { left, top, right } = change.box;
  const across = right - left;
  for (let row = top; row < change.box.bottom; row += 1) {
    const start = (row - top) * across;
    mask.at.set(change.was.subarray(start, start + across), row * mask.width + left);
  }
  return { box: change.box, was: now };
}

/** Everything of one value; what it returns was there. */
export function filled(mask: Mask, value: number): Change {
  const change = { box: whole(mask), was: mask.at.slice() };
  mask.at.fill(value);
  return change;
}

export function whole(mask: Mask): Box {
  return { left: 0, top: 0, right: mask.width, bottom: mask.height };
}

/** A box of the mask as pixels of one colour: `alpha` of it where the mask is full. */
export function tinted(
  mask: Mask,
  box: Box,
  [red, green, blue]: readonly [number, number, number],
  alpha: number,
): Uint8ClampedArray<ArrayBuffer> {
  const across = box.right - box.left;
  const pixels = new Uint8ClampedArray(across * (box.bottom - box.top) * 4);
  for (let row = box.top; row < box.bottom; row += 1) {
    for (let column = box.left; column < box.right; column += 1) {
      const place = ((row - box.top) * across + column - box.left) * 4;
      pixels[place] = red;
      pixels[place + 1] = green;
      pixels[place + 2] = blue;
      pixels[place + 3] = (mask.at[row * mask.width + column] ?? 0) * alpha;
    }
  }
  return pixels;
}

/** The mask that pixels mean: how bright they are, times how opaque. */
export function maskOf(pixels: Uint8ClampedArray, width: number, height: number): Mask {
  const mask = emptyMask(width, height);
  for (let place = 0; place < mask.at.length; place += 1) {
    const [red = 0, green = 0, blue = 0, alpha = 0] = pixels.subarray(place * 4, place * 4 + 4);
    mask.at[place] = Math.round(((red * 0.2126 + green * 0.7152 + blue * 0.0722) * alpha) / 255);
  }
  return mask;
}

interface Point {
  x: number;
  y: number;
}

function distanceTo(x: number, y: number, from: Point, to: Point): number {
  const [across, down] = [to.x - from.x, to.y - from.y];
  const length = across * across + down * down;
  const share = length === 0 ? 0 : ((x - from.x) * across + (y - from.y) * down) / length;
  const along = Math.min(Math.max(share, 0), 1);
  return Math.hypot(x - from.x - along * across, y - from.y - along * down);
}

function within(mask: Mask, box: Box): Box | null {
  const left = Math.max(0, box.left);
  const top = Math.max(0, box.top);
  const right = Math.min(mask.width, box.right);
  const bottom = Math.min(mask.height, box.bottom);
  return left < right && top < bottom ? { left, top, right, bottom } : null;
}

function around(one: Box, other: Box): Box {
  return {
    left: Math.min(one.left, other.left),
    top: Math.min(one.top, other.top),
    right: Math.max(one.right, other.right),
    bottom: Math.max(one.bottom, other.bottom),
  };
}

function cut(at: Uint8ClampedArray, width: number, box: Box): Uint8ClampedArray {
  const across = box.right - box.left;
  const found = new Uint8ClampedArray(across * (box.bottom - box.top));
  for (let row = box.top; row < box.bottom; row += 1) {
    const start = row * width + box.left;
    found.set(at.subarray(start, start + across), (row - box.top) * across);
  }
  return found;
}
