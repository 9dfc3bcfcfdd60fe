/** What the studio's library has, asked for while somebody looks at it. */

import { useCallback, useEffect, useRef, useState } from "react";
import type { Library } from "../live/wire";
import { ask } from "../panels/ask";
import type { Tab } from "./items";

/** Between two looks (ms) while pictures are being made, and otherwise: files come from elsewhere, too. */
const SOON = 1200;
const LATER = 6000;

/** The library, and how to have it looked at again at once. first: whose pictures are made first. */
export function useLibrary(first: Tab): { library: Library | null; problem: string | null; again(): void } {
  const [library, setLibrary] = useState<Library | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [round, setRound] = useState(0);
  const text = useRef("");
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new round asks again
  useEffect(() => {
    const leaving = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const look = async () => {
      let wait = LATER;
      try {
        const found = await ask<Library>(`/api/library?first=${first}`, leaving.signal);
        if (found.waits > 0) wait = SOON;
        const said = JSON.stringify(found);
        // What has not changed is not drawn again.
        if (said !== text.current) setLibrary(found);
        text.current = said;
        setProblem(null);
      } catch (error) {
        if (!leaving.signal.aborted) setProblem(error instanceof Error ? error.message : String(error));
      }
      if (!leaving.signal.aborted) timer = setTimeout(look, document.hidden ? LATER : wait);
    };
    void look();
    return () => {
      leaving.abort();
      clearTimeout(timer);
    };
  }, [first, round]);
  const again = useCallback(() => setRound((before) => before + 1), []);
  return { library, problem, again };
}
