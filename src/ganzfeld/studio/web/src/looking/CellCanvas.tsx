import {
  type CSSProperties,
  createContext,
  type ReactNode,
  useContext,
  useEffect,
  useRef,
  useState,
} from "react";
import { currentAtlas, keyOf, type Looking, lookAt, onAtlas, type View } from "../live/atlas";
import type { CellOfPage } from "../live/wire";
import "./cells.css";

/** Numbers are shown so often at most (ms): a person reads no faster. */
const NUMBERS_EVERY = 250;

type Place = (element: HTMLElement, view: View) => () => void;
const Places = createContext<Place | null>(null);

/**
 * Draws all the cells within it, however many, into one canvas that lies under them (`over`: over them). Cells are
 * drawn where they are to be seen: they may scroll, move and grow; what is outside of this box is not looked at.
 */
export function CellCanvas({
  children,
  className = "",
  over = false,
}: {
  children: ReactNode;
  className?: string;
  over?: boolean;
}) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [painter] = useState(() => new CellPainter());

  useEffect(() => {
    if (box.current && canvas.current) return painter.begin(box.current, canvas.current);
  }, [painter]);

  return (
    <div className={`cells ${over ? "over" : ""} ${className}`} ref={box}>
      <canvas ref={canvas} />
      <Places value={painter.place}>{children}</Places>
    </div>
  );
}

/** The place of one view: an empty element, which the canvas fills. `data-problem` says why there is nothing. */
export function Cell({
  view,
  className = "",
  style,
}: {
  view: View;
  className?: string;
  style?: CSSProperties;
}) {
  const element = useRef<HTMLDivElement>(null);
  const place = useContext(Places);
  const key = keyOf(view);
  const newest = useRef(view);
  newest.current = view;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the view, which is another object each time
  useEffect(() => {
    if (element.current && place) return place(element.current, newest.current);
  }, [place, key]);
  return <div className={`cell ${className}`} style={style} ref={element} />;
}

/** The numbers of a view (a histogram, a spectrum, how active channels are), a few times a second; null: none yet. */
export function useNumbers(view: View | null): CellOfPage | null {
  const [cell, setCell] = useState<CellOfPage | null>(null);
  const key = view === null ? "" : keyOf(view);
  const newest = useRef(view);
  newest.current = view;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key stands for the view, which is another object each time
  useEffect(() => {
    setCell(null);
    if (newest.current === null) return;
    const looking = lookAt(newest.current);
    let told = 0;
    const stop = onAtlas(() => {
      const found = looking.cell();
      if (!found || performance.now() - told < NUMBERS_EVERY) return;
      told = performance.now();
      setCell(found);
    });
    return () => {
      stop();
      looking.stop();
    };
  }, [key]);
  return cell;
}

interface Placed {
  view: View;
  looking: Looking | null;
}

/** Measures cells and draws them. Nothing of it is React's. */
class CellPainter {
  private readonly placed = new Map<HTMLElement, Placed>();
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
      this.placed.get(element)?.looking?.stop();
      this.placed.delete(element);
    };
  };

  begin(box: HTMLElement, canvas: HTMLCanvasElement): () => void {
    this.box = box;
    this.canvas = canvas;
    // What is scrolled out of sight costs the show nothing.
    const observer = new IntersectionObserver((changes) => this.seen(changes), { root: box });
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
      if (atlas && cell && cell.width > 0 && at.width > 0) drawCell(context, atlas.picture, cell, at);
    }
  }
}

/** As large as the place lets it be, in its middle. */
function drawCell(
  context: CanvasRenderingContext2D,
  picture: CanvasImageSource,
  cell: CellOfPage,
  at: DOMRect,
): void {
  const scale = Math.min(at.width / cell.width, at.height / cell.height);
  const width = cell.width * scale;
  const height = cell.height * scale;
  const x = at.x + (at.width - width) / 2;
  const y = at.y + (at.height - height) / 2;
  context.imageSmoothingEnabled = scale * devicePixelRatio < 4;
  context.drawImage(picture, cell.x, cell.y, cell.width, cell.height, x, y, width, height);
}
