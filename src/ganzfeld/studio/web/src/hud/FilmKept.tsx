import { useEffect, useRef, useState } from "react";
import { useShow } from "../live/show";
import { filmsKept, filmsMade } from "../panels/recording";

/** So long it is said where a film is (ms). */
const STAYS = 20_000;

/** For a while after a film has ended: where it is. */
export function FilmKept() {
  const doors = useShow((show) => show.status?.doors);
  const made = useRef(new Map<string, string>());
  const [kept, setKept] = useState<string | null>(null);
  useEffect(() => {
    if (!doors) return;
    const now = filmsMade(doors);
    const ended = filmsKept(made.current, now, doors);
    made.current = now;
    if (ended.length > 0) setKept(ended.join(", "));
  }, [doors]);
  useEffect(() => {
    if (kept === null) return;
    const timer = setTimeout(() => setKept(null), STAYS);
    return () => clearTimeout(timer);
  }, [kept]);
  if (kept === null) return null;
  return (
    <p className="film-kept" role="status" data-testid="film-kept">
      <span>the film is kept: </span>
      {kept}
    </p>
  );
}
