import { useEffect, useRef, useState } from "react";
import { useShow } from "../live/show";
import { filmsKept, filmsMade } from "../panels/recording";

/** So long it is said where a film is (ms). */
const STAYS = 20_000;

/** For a while after a film or a take has ended: where it is. */
export function FilmKept() {
  const doors = useShow((show) => show.status?.doors);
  const made = useRef(new Map<string, string>());
  const take = useShow((show) => show.status?.take?.path);
  const taken = useRef<string | undefined>(undefined);
  const [kept, setKept] = useState<{ what: string; path: string } | null>(null);
  useEffect(() => {
    if (!doors) return;
    const now = filmsMade(doors);
    const ended = filmsKept(made.current, now, doors);
    made.current = now;
    if (ended.length > 0) setKept({ what: "film", path: ended.join(", ") });
  }, [doors]);
  useEffect(() => {
    if (taken.current && !take) setKept({ what: "take", path: taken.current });
    taken.current = take;
  }, [take]);
  useEffect(() => {
    if (kept === null) return;
    const timer = setTimeout(() => setKept(null), STAYS);
    return () => clearTimeout(timer);
  }, [kept]);
  if (kept === null) return null;
  return (
    <p className="film-kept" role="status" data-testid="film-kept">
      <span>the {kept.what} is kept: </span>
      {kept.path}
    </p>
  );
}
