import {
  type CSSProperties,
  createContext,
  type ReactNode,
  useContext,
  useEffect,
  useRef,
  useState,
} from "react";
import { keyOf, lookAt, onAtlas, type View } from "../live/atlas";
import type { CellOfPage } from "../live/wire";
import { CellPainter, type Place } from "./painter";
import "./cells.css";

/** Numbers are shown so often at most (ms): a person reads no faster. */
const NUMBERS_EVERY = 250;

const Places = createContext<Place | null>(null);

/**
 * Draws all the cells within it, however many, into one canvas that lies under them (`over`: over them). Cells are
 * drawn where they are to be seen: they may scroll, move and grow; what is out of sight is not looked at.
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
