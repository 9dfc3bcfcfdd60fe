/** Five small pictures in a row of what five values would do. A click takes one. */

import { currentShow } from "../live/show";
import { type Looker, type Preview, preview, type Variant } from "../looking/previews";
import { drawnHeight, show } from "./canvas";

export interface StripFrame {
  /** What stands under it. */
  word: string;
  variant: Variant;
  /** It is as it is now. */
  isNow: boolean;
}

/** So wide a picture is at most, in CSS pixels. */
const WIDEST = 168;

/** Draws until it is stopped. room: how wide all of it may be, in CSS pixels. also: shown each picture, too. */
export function filmstrip(
  frames: readonly StripFrame[],
  room: number,
  take: (index: number) => void,
  also?: (drawn: Preview) => void,
): { dom: HTMLElement } & Looker {
  const dom = document.createElement("div");
  dom.className = "filmstrip";
  dom.setAttribute("role", "group");
  dom.setAttribute("aria-label", "What it would do");
  const { width = 16, height = 9 } = currentShow().shown ?? {};
  const aspect = Math.min(Math.max(width / Math.max(height, 1), 0.5), 3);
  const wide = Math.min(WIDEST, room / Math.max(frames.length, 1));
  dom.style.setProperty("--frames", String(frames.length));
  dom.style.width = `${Math.floor(wide * frames.length)}px`;
  dom.style.setProperty("--aspect", String(aspect));
  const canvases = frames.map((frame, index) => {
    const { button, canvas } = frameOf(frame, () => take(index));
    dom.append(button);
    return canvas;
  });
  const why = document.createElement("p");
  why.className = "filmstrip-problem";
  why.hidden = true;
  dom.append(why);
  const looker = preview(
    frames.map(({ variant }) => variant),
    drawnHeight(wide / aspect),
    (drawn) => {
      const canvas = canvases[drawn.index];
      if (canvas) show(canvas, drawn);
      also?.(drawn);
      // One word for all, where there is nothing to see at all.
      const isEmpty = !canvases.some((each) => each.classList.contains("drawn"));
      why.hidden = !(isEmpty && drawn.problem !== "");
      if (!why.hidden) why.textContent = drawn.problem;
    },
  );
  return { dom, stop: looker.stop };
}

function frameOf(
  { word, isNow }: StripFrame,
  take: () => void,
): { button: HTMLElement; canvas: HTMLCanvasElement } {
  const button = document.createElement("button");
  button.type = "button";
  button.className = isNow ? "strip-frame now" : "strip-frame";
  button.setAttribute("aria-label", isNow ? `${word}, as it is now` : `Take ${word}`);
  button.tabIndex = -1;
  const canvas = document.createElement("canvas");
  canvas.width = 16;
  canvas.height = 9;
  const value = document.createElement("span");
  value.textContent = word.replace(/^-/, "−");
  button.append(canvas, value);
  // The focus stays where it is: keys go on working.
  button.addEventListener("mousedown", (event) => event.preventDefault());
  button.addEventListener("click", take);
  return { button, canvas };
}
