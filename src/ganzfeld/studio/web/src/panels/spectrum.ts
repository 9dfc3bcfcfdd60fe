/** The spectrum and its floor, drawn on a canvas. */

import type { SoundHeard } from "../live/wire";

export const QUIETEST = -100;

/** Where a loudness stands in a height of `height`: 0 dB at the top. */
export function heightOf(decibels: number, height: number): number {
  const share = Math.min(Math.max(decibels / QUIETEST, 0), 1);
  return share * height;
}

/** The decibels at a height: the other way round, whole. */
export function decibelsAt(y: number, height: number): number {
  return Math.round(Math.min(Math.max(y / height, 0), 1) * QUIETEST);
}

export function drawSpectrum(canvas: HTMLCanvasElement, sound: SoundHeard, floor: number): void {
  const ratio = devicePixelRatio;
  const width = Math.round(canvas.clientWidth * ratio);
  const height = Math.round(canvas.clientHeight * ratio);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  const context = canvas.getContext("2d");
  if (!context) return;
  context.clearRect(0, 0, width, height);
  const step = width / Math.max(sound.spectrum.length, 1);
  for (const [index, decibels] of sound.spectrum.entries()) {
    const top = heightOf(decibels, height);
    context.fillStyle = decibels > floor ? "#ffb454" : "rgb(241 237 230 / 0.3)";
    context.fillRect(index * step, top, Math.max(step - ratio, 1), height - top);
  }
  context.fillStyle = "#f1ede6";
  context.fillRect(0, heightOf(floor, height) - ratio / 2, width, ratio);
}
