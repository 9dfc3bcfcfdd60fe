import { useEffect, useState } from "react";
import { useShow } from "../../live/show";
import type { Insides } from "../../live/wire";
import { ask } from "../../panels/ask";

/** Typing changes the text many times a second: so long after the last change it is looked into (ms). */
const AFTER = 150;
const AGAIN = 2000;

/** What is inside the networks of the text as it is written now. Of a text that is no patch, what was known stays. */
export function useInsides(): { insides: Insides | null; problem: string } {
  const [insides, setInsides] = useState<Insides | null>(null);
  const [problem, setProblem] = useState("");
  const log = useShow((show) => show.document?.log ?? "");
  const version = useShow((show) => show.document?.version ?? 0);
  const live = useShow((show) => show.connection === "live");
  // biome-ignore lint/correctness/useExhaustiveDependencies: another text is looked into anew
  useEffect(() => {
    if (!live) return;
    const leaving = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const look = () => {
      ask<Insides>("/api/layers", leaving.signal)
        .then((next) => {
          setInsides((before) =>
            next.networks.length > 0 || !before || next.problem === "" ? next : before,
          );
          setProblem(next.problem);
        })
        .catch((error: Error) => {
          if (leaving.signal.aborted) return;
          setProblem(error.message);
          timer = setTimeout(look, AGAIN);
        });
    };
    timer = setTimeout(look, insides === null ? 0 : AFTER);
    return () => {
      clearTimeout(timer);
      leaving.abort();
    };
  }, [log, version, live]);
  return { insides, problem };
}
