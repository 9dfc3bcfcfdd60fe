import "./brush.css";
import { type PointerEvent, type RefObject, useEffect, useRef, useState } from "react";
import { capture } from "../desk/drag";
import { useShow } from "../live/show";
import { Cell, CellCanvas } from "../looking/CellCanvas";
import { act } from "../modes/modes";
import { keyOf, type PaintedLine } from "./lines";
import {
  begin,
  choose,
  clear,
  closeBrush,
  currentMask,
  goOn,
  lift,
  onPainted,
  redo,
  setTip,
  undo,
  usePainting,
} from "./painting";
import { contained, isAlike, type Rect, type Size } from "./place";
import { type Box, tinted, whole } from "./strokes";

const COLOUR = [255, 180, 84] as const;
/** Around the picture, in pixels, where it is not the show's own. */
const MARGIN = 24;
/** So long after a hand has moved, the paint makes way for what it does (ms). */
const RESTS_AFTER = 1200;

/** Paints where a line bends, over the picture. */
export function Brush() {
  const open = usePainting().open;
  useEffect(() => () => closeBrush(), []);
  return open ? <Open /> : null;
}

function Open() {
  const painting = usePainting();
  const bar = useRef<HTMLDivElement>(null);
  const ground = useGround(painting.line, painting.shown, useRoom(bar));
  return (
    <section className="brush" aria-label="Paint where a line bends" data-state={painting.state}>
      {painting.line && painting.state === "ready" && ground && (
        <Paper line={painting.line} ground={ground} erases={painting.tip.erases} size={painting.tip.size} />
      )}
      <div className="brush-bar" role="toolbar" aria-label="Brush" ref={bar}>
        <Bar />
      </div>
    </section>
  );
}

interface Ground {
  rect: Rect;
  /** It is the show's picture; else the network's own is shown there. */
  isShown: boolean;
}

/** The room that the bar takes at the foot of the window, in pixels; the picture makes way for it. */
function useRoom(bar: RefObject<HTMLDivElement | null>): number {
  const [room, setRoom] = useState(0);
  useEffect(() => {
    if (!bar.current) return;
    const measured = new ResizeObserver(() => setRoom(bar.current?.offsetHeight ?? 0));
    measured.observe(bar.current);
    return () => measured.disconnect();
  }, [bar]);
  useEffect(() => {
    const { style } = document.documentElement;
    style.setProperty("--brush-room", `${room}px`);
    return () => {
      style.removeProperty("--brush-room");
    };
  }, [room]);
  return room;
}

/** Where the picture is that the line's network makes: that of the show, if it is what goes out. */
function useGround(line: PaintedLine | null, shown: string, room: number): Ground | null {
  const [window_, setWindow] = useState<Size>({ width: innerWidth, height: innerHeight });
  const width = useShow((show) => show.shown?.width ?? 0);
  const height = useShow((show) => show.shown?.height ?? 0);
  useEffect(() => {
    const measure = () => setWindow({ width: innerWidth, height: innerHeight });
    addEventListener("resize", measure);
    return () => removeEventListener("resize", measure);
  }, []);
  if (!line) return null;
  const own = { width: line.size[0], height: line.size[1] };
  const isShown = line.node === shown && isAlike(own, { width, height });
  const rect = isShown
    ? contained({ width, height }, window_, 0, room)
    : contained(own, window_, MARGIN, room);
  return { rect, isShown };
}

function Paper({
  line,
  ground,
  erases,
  size,
}: {
  line: PaintedLine;
  ground: Ground;
  erases: boolean;
  size: number;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const ring = useRef<HTMLDivElement>(null);
  const { rect, isShown } = ground;
  const rests = useResting();
  const mask = currentMask();

  useEffect(() => {
    const context = canvas.current?.getContext("2d");
    if (!context) return;
    const paint = (box: Box) => {
      const from = currentMask();
      const { width, height } = context.canvas;
      if (from.width !== width || from.height !== height) return;
      const pixels = tinted(from, box, COLOUR, 0.62);
      context.putImageData(new ImageData(pixels, box.right - box.left), box.left, box.top);
    };
    paint(whole(mask));
    return onPainted(paint);
  }, [mask]);

  const at = (event: { clientX: number; clientY: number }) =>
    [
      ((event.clientX - rect.left) / rect.width) * mask.width,
      ((event.clientY - rect.top) / rect.height) * mask.height,
    ] as const;
  const follow = (event: PointerEvent<HTMLElement>) => {
    rests.moved();
    if (!ring.current) return;
    ring.current.style.translate = `${event.clientX}px ${event.clientY}px`;
    ring.current.style.opacity = event.pointerType === "touch" ? "0" : "1";
  };
  const across = size * rect.height;
  return (
    <div
      className={isShown ? "brush-ground" : "brush-ground apart"}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        capture(event);
        follow(event);
        begin(...at(event));
      }}
      onPointerMove={(event) => {
        follow(event);
        const moves = event.nativeEvent.getCoalescedEvents?.() ?? []; // not every browser has it
        for (const move of moves.length > 0 ? moves : [event]) goOn(...at(move));
      }}
      onPointerUp={lift}
      onPointerCancel={lift}
      onPointerLeave={() => {
        if (ring.current) ring.current.style.opacity = "0";
      }}
    >
      {!isShown && (
        <CellCanvas className="brush-own">
          <Cell view={{ of: "node", node: line.node, size: 360 }} style={{ position: "absolute", ...rect }} />
        </CellCanvas>
      )}
      <canvas
        ref={canvas}
        data-testid="brush-canvas"
        className={rests.rests ? "resting" : undefined}
        width={mask.width}
        height={mask.height}
        style={{ ...rect }}
      />
      <div
        ref={ring}
        className={erases ? "brush-ring erases" : "brush-ring"}
        style={{ width: across, height: across, left: -across / 2, top: -across / 2 }}
      />
    </div>
  );
}

/** Whether a hand has rested for a while. */
function useResting(): { rests: boolean; moved(): void } {
  const [rests, setRests] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => {
    timer.current = setTimeout(() => setRests(true), 2 * RESTS_AFTER);
    return () => clearTimeout(timer.current);
  }, []);
  const moved = useRef(() => {
    clearTimeout(timer.current);
    setRests(false);
    timer.current = setTimeout(() => setRests(true), RESTS_AFTER);
  }).current;
  return { rests, moved };
}

/** What is painted, with what, and what becomes of it. */
function Bar() {
  const { state, lines, line, tip, undoes, redoes } = usePainting();
  const isReady = state === "ready";
  return (
    <>
      <Said />
      {lines.length > 0 && (
        <select
          aria-label="The line that is painted"
          value={line ? keyOf(line) : ""}
          onChange={(event) => void choose(event.target.value)}
        >
          {lines.map((each) => (
            <option key={keyOf(each)} value={keyOf(each)}>
              {each.line.text}
            </option>
          ))}
        </select>
      )}
      {state !== "nothing" && (
        <>
          <span className="brush-either">
            <Press word="paint" pressed={!tip.erases} does={() => setTip({ erases: false })} on={isReady} />
            <Press word="erase" pressed={tip.erases} does={() => setTip({ erases: true })} on={isReady} />
          </span>
          <Slide word="size" value={Math.sqrt(tip.size)} least={0.1} set={(v) => setTip({ size: v * v })} />
          <Slide word="soft" value={tip.softness} least={0} set={(v) => setTip({ softness: v })} />
          <span className="brush-either">
            <Press word="undo" does={undo} on={isReady && undoes} />
            <Press word="redo" does={redo} on={isReady && redoes} />
            <Press word="clear" does={clear} on={isReady} />
          </span>
        </>
      )}
      <button type="button" className="brush-done" onClick={closeBrush}>
        done
      </button>
    </>
  );
}

/** How it stands with the painting. */
function Said() {
  const { state, line, file, saving, problem, needsName } = usePainting();
  if (state === "nothing")
    return (
      <output>
        No line bends a layer yet. Write one first, such as <code>face.bend("b32", multiply=0)</code>
      </output>
    );
  if (problem)
    return (
      <output className="brush-problem">
        {problem}
        {needsName && (
          <button
            type="button"
            onClick={() => {
              closeBrush();
              act("ask for a name");
            }}
          >
            keep it under a name
          </button>
        )}
      </output>
    );
  if (state === "looking") return <output>…</output>;
  if (saving === "saving") return <output data-saving="saving">keeping {file}</output>;
  if (saving === "saved") return <output data-saving="saved">kept in {file}</output>;
  const other = line?.line.mask && line.line.mask_file !== file ? line.line.mask : "";
  if (other) return <output>its mask is {other}; a stroke takes its place</output>;
  return <output>{line?.line.mask ? file : "everywhere, until a stroke says where"}</output>;
}

function Press({
  word,
  does,
  on,
  pressed,
}: {
  word: string;
  does: () => void;
  on: boolean;
  pressed?: boolean;
}) {
  return (
    // Takes no focus from a mouse, so that the keys go on working after a click.
    <button
      type="button"
      aria-pressed={pressed}
      disabled={!on}
      onMouseDown={(event) => event.preventDefault()}
      onClick={does}
    >
      {word}
    </button>
  );
}

function Slide({
  word,
  value,
  least,
  set,
}: {
  word: string;
  value: number;
  least: number;
  set: (value: number) => void;
}) {
  return (
    <label>
      {word}
      <input
        type="range"
        min={least}
        max={1}
        step={0.01}
        value={value}
        onChange={(event) => set(event.target.valueAsNumber)}
      />
    </label>
  );
}
