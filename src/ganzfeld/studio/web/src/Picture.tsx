import { useEffect, useRef, useState } from "react";
import { isCrisp } from "./hud/numbers";
import { useShow, watch } from "./live/show";

/** The picture, as large as the window lets it be. */
export function Picture() {
  const place = useRef<HTMLDivElement>(null);
  const [window_, setWindow] = useState({ width: innerWidth, height: innerHeight });
  const width = useShow((show) => show.shown?.width ?? 0);
  const height = useShow((show) => show.shown?.height ?? 0);

  useEffect(() => {
    // Made by hand: a canvas can be given to a worker only once, however often this component is set up.
    if (!place.current || place.current.firstChild) return;
    const canvas = document.createElement("canvas");
    place.current.append(canvas);
    watch(canvas);
  }, []);

  useEffect(() => {
    const measure = () => setWindow({ width: innerWidth, height: innerHeight });
    addEventListener("resize", measure);
    return () => removeEventListener("resize", measure);
  }, []);

  const crisp = width > 0 && isCrisp({ width, height }, window_, devicePixelRatio);
  return <div className={crisp ? "picture crisp" : "picture"} ref={place} data-size={`${width}x${height}`} />;
}
