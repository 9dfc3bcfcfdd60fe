import { useEffect, useRef, useState } from "react";
import { useShow } from "../live/show";
import { filmsKept, filmsMade } from "../panels/recording";

/** So long it is said where a film is (ms). */
const STAYS = 20_000;

interface Kept {
  what: "film" | "take";
  path: string;
}

/** For a while after a film or a take has ended: where it is. */
export function FilmKept() {
  const doors = useShow((show) => show.status?.doors);
  const take = useShow((show) => show.status?.take?.path);
  const made = useRef(new Map<string, string>());
  const taken = useRef<string | undefined>(undefined);
  const [kept, setKept] = useState<readonly Kept[]>([]);
  useEffect(() => {
    if (!doors) return;
    const now = filmsMade(doors);
    const ended = filmsKept(made.current, now, doors);
    made.current = now;
    if (ended.length > 0) setKept((before) => and(before, "film", ended.join(", ")));
  }, [doors]);
  useEffect(() => {
    const { current } = taken;
    taken.current = take;
    if (current && !take) setKept((before) => and(before, "take", current));
  }, [take]);
  useEffect(() => {
    if (kept.length === 0) return;
    const timer = setTimeout(() => setKept([]), STAYS);
    return () => clearTimeout(timer);
  }, [kept]);
  if (kept.length === 0) return null;
  return (
    <div className="film-kept" role="status" data-testid="film-kept">
      {kept.map(({ what, path }) => (
        <p key={what}>
          <span>the {what} is kept: </span>
          {path}
        </p>
      ))}
    </div>
  );
}

/** What is said, and this: the last film and the last take. */
function and(before: readonly Kept[], what: Kept["what"], path: string): Kept[] {
  return [...before.filter((each) => each.what !== what), { what, path }];
}
