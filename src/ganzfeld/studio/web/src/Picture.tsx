import { useEffect, useRef, useState } from "react";
import { isCrisp } from "./hud/numbers";
import { showPicture, useShow } from "./live/show";

/** The picture, as large as the window lets it be. */
export function Picture() {
  const place = useRef<HTMLDivElement>(null);
  const [window_, setWindow] = useState({ width: innerWidth, height: innerHeight });
  const width = useShow((show) => show.shown?.width ?? 0);
  const height = useShow((show) => show.shown?.height ?? 0);

  useEffect(() => {
    if (place.current) showPicture(place.current);
  }, []);

  useEffect(() => {
    const measure = () => setWindow({ width: innerWidth, height: innerHeight });
    addEventListener("resize", measure);
    return () => removeEventListener("resize", measure);
  }, []);

  const crisp = width > 0 && isCrisp({ width, height }, window_, devicePixelRatio);
  return <div className={crisp ? "picture crisp" : "picture"} ref={place} data-size={`${width}x${height}`} />;
}
