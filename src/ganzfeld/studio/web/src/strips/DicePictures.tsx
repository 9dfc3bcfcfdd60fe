import { useEffect, useRef, useState } from "react";
import { say, useShow } from "../live/show";
import { type Looker, type Preview, preview } from "../looking/previews";
import { drawnHeight, show } from "./canvas";
import { filmstrip } from "./filmstrip";
import { amountsOf } from "./values";

/** The wall is copied so often into the small picture beside the preview (ms). */
const COPY_EVERY = 80;

/** What plays, and beside it what would play with the line that dice propose. */
export function DicePictures({ line, strip }: { line: string; strip: boolean }) {
  const wide = useShow((state) => state.shown?.width ?? 16);
  const high = useShow((state) => state.shown?.height ?? 9);
  const aspect = Math.min(Math.max(wide / Math.max(high, 1), 0.5), 2.4);
  return (
    <div className="dice-pictures" style={{ "--aspect": aspect } as React.CSSProperties}>
      <figure>
        <Wall />
        <figcaption>now</figcaption>
      </figure>
      <With line={line} strip={strip} />
    </div>
  );
}

/** The picture that the audience sees, small. */
function Wall() {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    let frame = 0;
    let last = 0;
    const copy = (now: number) => {
      frame = requestAnimationFrame(copy);
      const wall = document.querySelector<HTMLCanvasElement>(".picture canvas");
      const small = canvas.current;
      if (now - last < COPY_EVERY || !wall || !small || wall.width < 2) return;
      last = now;
      const height = drawnHeight(small.clientHeight);
      const width = Math.round((height * wall.width) / wall.height);
      if (small.width !== width || small.height !== height) {
        small.width = width;
        small.height = height;
      }
      small.getContext("2d", { alpha: false })?.drawImage(wall, 0, 0, width, height);
    };
    frame = requestAnimationFrame(copy);
    return () => cancelAnimationFrame(frame);
  }, []);
  return <canvas ref={canvas} aria-label="What plays now" role="img" />;
}

/** What would play with the line. The picture of the line before stays, dimmed, until there is one of this. */
function With({ line, strip }: { line: string; strip: boolean }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const place = useRef<HTMLDivElement>(null);
  const shown = useRef("");
  const [problem, setProblem] = useState("");
  useEffect(() => {
    const after = canvas.current;
    if (!after) return;
    if (shown.current !== line) after.classList.remove("drawn");
    shown.current = line;
    setProblem("");
    const draw = (drawn: Preview) => {
      show(after, drawn);
      setProblem(drawn.picture ? "" : drawn.problem);
    };
    const amounts = strip && place.current ? stripOf(line, place.current, draw) : null;
    const looker = amounts ?? preview([{ line }], drawnHeight(after.clientHeight || 120), draw);
    return looker.stop;
  }, [line, strip]);
  return (
    <>
      <figure>
        <canvas ref={canvas} aria-label="What would play" role="img" data-testid="dice-preview" />
        <figcaption>with it</figcaption>
        {problem !== "" && <p className="dice-problem">no preview: {problem}</p>}
      </figure>
      <div className="dice-amounts" ref={place} hidden={!strip} />
    </>
  );
}

/** The same line with other amounts; a click keeps one. null: it has none. */
function stripOf(line: string, place: HTMLElement, draw: (drawn: Preview) => void): Looker | null {
  const amounts = amountsOf(line);
  if (!amounts) return null;
  const { lines, values, now } = amounts;
  const frames = lines.map((each, index) => ({
    word: values[index] ?? "",
    isNow: index === now,
    variant: { line: each },
  }));
  const take = (index: number) => say({ kind: "take_roll", line: lines[index] ?? line });
  const { dom, stop } = filmstrip(frames, place.clientWidth, take, (drawn) => {
    if (drawn.index === now) draw(drawn);
  });
  place.append(dom);
  return {
    stop() {
      stop();
      dom.remove();
    },
  };
}

/** Has the process that draws started while dice still roll. */
export function WarmUp() {
  useEffect(() => preview([{}], drawnHeight(64), () => {}).stop, []);
  return null;
}
