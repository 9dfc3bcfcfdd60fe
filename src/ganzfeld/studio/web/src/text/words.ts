/** The words of the patch that plays (`/api/words`), fetched when they are wanted and when another text plays. */

import { useEffect, useSyncExternalStore } from "react";
import { useShow } from "../live/show";
import type { Words } from "../live/wire";

export type { Words } from "../live/wire";

/** A text that is played while another is being typed comes soon after the one before: only the last one is asked for. */
const AFTER = 700;
const AGAIN = 10_000;

let words: Words | null = null;
/** Somebody looks at the text, or for something to do: before that, the studio need not collect any words. */
let wanted = false;
const listeners = new Set<() => void>();

/** What is known now. Asking has it found out. */
export function currentWords(): Words | null {
  want();
  return words;
}

export function useWords(): Words | null {
  useEffect(want, []);
  return useSyncExternalStore(subscribe, () => words);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function want(): void {
  if (wanted) return;
  wanted = true;
  for (const listener of listeners) listener();
}

/** Sets what is known; for tests, too. Of a text that is no patch, what was known of the patch before stays. */
export function setWords(next: Words | null): void {
  words = next && words && next.problem !== "" ? { ...words, problem: next.problem } : next;
  for (const listener of listeners) listener();
}

/** Keeps the words those of the text that plays. */
export function useFreshWords(): void {
  const playing = useShow((show) => show.status?.playing_version ?? null);
  const live = useShow((show) => show.connection === "live");
  const asked = useSyncExternalStore(subscribe, () => wanted);
  useEffect(() => {
    if (!asked || !live || playing === null) return;
    const stop = new AbortController();
    let timer = setTimeout(ask, words === null ? 0 : AFTER);
    function ask() {
      fetch("/api/words", { signal: stop.signal })
        .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(answer.statusText))))
        .then(setWords)
        .catch(() => {
          if (!stop.signal.aborted) timer = setTimeout(ask, AGAIN);
        });
    }
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }, [playing, live, asked]);
}
