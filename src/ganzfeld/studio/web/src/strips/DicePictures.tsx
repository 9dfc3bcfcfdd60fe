import { useEffect, useRef, useState } from "react";
import { say, useShow } from "../live/show";
import { preview } from "../looking/previews";
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
      <figure>
        <With line={line} />
        <figcaption>with it</figcaption>
      </figure>
      {strip && <Amounts line={line} />}
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
function With({ line }: { line: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    const shown = canvas.current;
    if (!shown) return;
    shown.classList.remove("drawn");
    setProblem("");
    const looker = preview([{ line }], drawnHeight(shown.clientHeight || 120), (drawn) => {
      show(shown, drawn);
      setProblem(drawn.picture ? "" : drawn.problem);
    });
    return looker.stop;
  }, [line]);
  return (
    <>
      <canvas ref={canvas} aria-label="What would play" role="img" data-testid="dice-preview" />
      {problem !== "" && <p className="dice-problem">no preview: {problem}</p>}
    </>
  );
}

/** The same line with other amounts; a click keeps one. */
function Amounts({ line }: { line: string }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const amounts = amountsOf(line);
    if (!place.current || !amounts) return;
    const { lines, values, now } = amounts;
    const frames = lines.map((each, index) => ({
      word: values[index] ?? "",
      isNow: index === now,
      variant: { line: each },
    }));
    const { dom, stop } = filmstrip(frames, place.current.clientWidth, (index) => {
      say({ kind: "take_roll", line: lines[index] ?? line });
    });
    place.current.append(dom);
    return () => {
      stop();
      dom.remove();
    };
  }, [line]);
  return <div className="dice-amounts" ref={place} />;
}
