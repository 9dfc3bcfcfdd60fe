/** The map of what is written (`/api/map`), fetched anew whenever that changes, while the map is open. */

import { useEffect, useState } from "react";
import { useShow } from "../live/show";
import type { PatchMap } from "../live/wire";
import { ask } from "../panels/ask";

/** Typing brings many versions: only the last one is asked for (ms). */
const AFTER = 120;
const AGAIN = 2000;

export interface Known {
  /** The newest map that there was. */
  map: PatchMap | null;
  /** Why what is written now has no map; null: it has. */
  problem: PatchMap | null;
  /** Why the studio gives none at all. */
  silence: string | null;
}

export function useMap(): Known {
  const [known, setKnown] = useState<Known>({ map: null, problem: null, silence: null });
  const version = useShow((show) => (show.document ? `${show.document.log} ${show.document.version}` : ""));
  const live = useShow((show) => show.connection === "live");
  // biome-ignore lint/correctness/useExhaustiveDependencies: another version is asked for anew
  useEffect(() => {
    if (!live) return;
    const stop = new AbortController();
    let timer = setTimeout(next, known.map ? AFTER : 0);
    function next() {
      ask<PatchMap>("/api/map", stop.signal)
        .then((map) =>
          setKnown((before) =>
            map.problem ? { ...before, problem: map, silence: null } : { map, problem: null, silence: null },
          ),
        )
        .catch((error: Error) => {
          if (stop.signal.aborted) return;
          setKnown((before) => ({ ...before, silence: error.message }));
          timer = setTimeout(next, AGAIN);
        });
    }
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [version, live]);
  return known;
}
