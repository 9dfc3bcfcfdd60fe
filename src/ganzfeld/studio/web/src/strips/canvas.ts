/** A canvas that shows the pictures of a preview. */

import type { Preview } from "../looking/previews";

/** Pictures are asked for in the pixels of the display, within what the studio draws. */
export function drawnHeight(cssPixels: number): number {
  return Math.round(Math.min(Math.max(cssPixels * devicePixelRatio, 64), 360));
}

/** Draws a picture that came; a word on what is wrong stays until the next one. */
export function show(canvas: HTMLCanvasElement, { picture, width, height, problem }: Preview): void {
  canvas.title = problem;
  canvas.classList.toggle("failed", picture === null && problem !== "");
  if (!picture) return;
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  canvas.getContext("2d", { alpha: false })?.drawImage(picture, 0, 0);
  canvas.classList.add("drawn");
}
