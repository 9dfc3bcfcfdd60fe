/** Draws cells of the atlas into the canvas of a box. Nothing of it is React's. */

import { currentAtlas, type Looking, lookAt, onAtlas, type View } from "../live/atlas";
import type { CellOfPage } from "../live/wire";

/** So far out of sight is already looked at: who scrolls meets pictures. */
const NEAR = "48px";

/** An element is the place of a view, until what is returned is called. */
export type Place = (element: HTMLElement, view: View) => () => void;

interface Placed {
  view: View;
  looking: Looking | null;
}

/** Measures the cells of one box and draws them into its canvas. */
export class CellPainter {
  private readonly placed = new Map<HTMLElement, Placed>();
  /** What a place showed before its view changed: it stays until there is something else to see. */
  private readonly ghosts = new WeakMap<HTMLElement, OffscreenCanvas>();
  private box: HTMLElement | null = null;
  private canvas: HTMLCanvasElement | null = null;
  private observer: IntersectionObserver | null = null;
  private drawn = "";
  private refresh = 0;

  /** A cell is there until what is returned is called. */
  readonly place: Place = (element, view) => {
    this.placed.set(element, { view, looking: null });
    this.observer?.observe(element);
    return () => {
      this.observer?.unobserve(element);
      this.keepGhost(element);
      this.placed.get(element)?.looking?.stop();
      this.placed.delete(element);
    };
  };

  begin(box: HTMLElement, canvas: HTMLCanvasElement): () => void {
    this.box = box;
    this.canvas = canvas;
    // What is scrolled out of sight costs the show nothing.
    const observer = new IntersectionObserver((changes) => this.seen(changes), { rootMargin: NEAR });
    this.observer = observer;
    for (const element of this.placed.keys()) observer.observe(element);
    const stop = onAtlas(() => {
      this.drawn = "";
    });
    const draw = () => {
      this.refresh = requestAnimationFrame(draw);
      this.draw();
    };
    this.refresh = requestAnimationFrame(draw);
    return () => {
      cancelAnimationFrame(this.refresh);
      stop();
      observer.disconnect();
      this.observer = null;
      for (const placed of this.placed.values()) {
        placed.looking?.stop();
        placed.looking = null;
      }
    };
  }

  private seen(changes: IntersectionObserverEntry[]): void {
    for (const { target, isIntersecting } of changes) {
      const placed = this.placed.get(target as HTMLElement);
      if (!placed) continue;
      if (isIntersecting) placed.looking ??= lookAt(placed.view);
      else {
        placed.looking?.stop();
        placed.looking = null;
      }
    }
  }

  private keepGhost(element: HTMLElement): void {
    const cell = this.placed.get(element)?.looking?.cell();
    const atlas = currentAtlas();
    if (!cell?.width || !atlas) return;
    const ghost = new OffscreenCanvas(cell.width, cell.height);
    const { x, y, width, height } = cell;
    ghost.getContext("2d")?.drawImage(atlas.picture, x, y, width, height, 0, 0, width, height);
    this.ghosts.set(element, ghost);
  }

  /** Draws again if there is a new atlas, or a cell has moved. */
  private draw(): void {
    const { box, canvas } = this;
    if (!box || !canvas) return;
    const scale = devicePixelRatio;
    const outer = box.getBoundingClientRect();
    const visible: { element: HTMLElement; cell: CellOfPage | null; at: DOMRect }[] = [];
    const places = [`${outer.width} ${outer.height} ${scale}`];
    for (const [element, { looking }] of this.placed) {
      if (!looking) continue;
      const at = element.getBoundingClientRect();
      const cell = looking.cell();
      visible.push({ element, cell, at });
      places.push(`${cell?.id} ${at.x - outer.x} ${at.y - outer.y} ${at.width} ${at.height}`);
    }
    const now = places.join();
    if (now === this.drawn) return;
    this.drawn = now;
    const width = Math.round(outer.width * scale);
    const height = Math.round(outer.height * scale);
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    const context = canvas.getContext("2d");
    const atlas = currentAtlas();
    if (!context) return;
    context.setTransform(scale, 0, 0, scale, -outer.x * scale, -outer.y * scale);
    context.clearRect(outer.x, outer.y, outer.width, outer.height);
    for (const { element, cell, at } of visible) {
      const problem = cell?.problem ?? "";
      if ((element.dataset.problem ?? "") !== problem) {
        if (problem) element.dataset.problem = problem;
        else delete element.dataset.problem;
        element.title = problem;
      }
      const ghost = this.ghosts.get(element);
      if (cell) this.ghosts.delete(element);
      else if (ghost) drawCell(context, ghost, { x: 0, y: 0, width: ghost.width, height: ghost.height }, at);
      if (atlas && cell?.width) drawCell(context, atlas.picture, cell, at);
    }
  }
}

/** As large as the place lets it be, in its middle. */
function drawCell(
  context: CanvasRenderingContext2D,
  picture: CanvasImageSource,
  cell: Pick<CellOfPage, "x" | "y" | "width" | "height">,
  at: DOMRect,
): void {
  if (at.width === 0 || at.height === 0) return;
  const scale = Math.min(at.width / cell.width, at.height / cell.height);
  const width = cell.width * scale;
  const height = cell.height * scale;
  const x = at.x + (at.width - width) / 2;
  const y = at.y + (at.height - height) / 2;
  context.imageSmoothingEnabled = scale * devicePixelRatio < 4;
  context.drawImage(picture, cell.x, cell.y, cell.width, cell.height, x, y, width, height);
}
