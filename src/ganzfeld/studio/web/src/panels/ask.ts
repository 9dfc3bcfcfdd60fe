/** What the page asks the server beside its WebSocket. */

import { useCallback, useEffect, useRef, useState } from "react";
import type { Refusal } from "../live/wire";

export interface Asked<Answer> {
  answer: Answer | null;
  /** Why there is no answer, in words. */
  problem: string | null;
  /** Whether one is on its way. */
  waits: boolean;
}

/** Asks once. Rejects with what the server says. */
export async function ask<Answer>(path: string, signal?: AbortSignal, method = "GET"): Promise<Answer> {
  const response = await fetch(path, { method, signal, headers: { accept: "application/json" } });
  if (response.ok) return (await response.json()) as Answer;
  const refusal = (await response.json().catch(() => null)) as Refusal | null;
  throw new Error(
    refusal ? [refusal.what, refusal.hint].filter(Boolean).join(". ") : `No answer (${response.status})`,
  );
}

/** The answer to a question that takes a while; `again` asks anew. */
export function useAnswer<Answer>(path: string): Asked<Answer> & { again(): void } {
  const [asked, setAsked] = useState<Asked<Answer>>({ answer: null, problem: null, waits: true });
  const [round, setRound] = useState(0);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new round asks again
  useEffect(() => {
    const leaving = new AbortController();
    setAsked((before) => ({ ...before, waits: true }));
    ask<Answer>(path, leaving.signal)
      .then((answer) => setAsked({ answer, problem: null, waits: false }))
      .catch((error: Error) => {
        if (leaving.signal.aborted) return;
        setAsked((before) => ({ ...before, problem: error.message, waits: false }));
      });
    return () => leaving.abort();
  }, [path, round]);
  const again = useCallback(() => setRound((before) => before + 1), []);
  return { ...asked, again };
}

/** Asks again and again, `pause` ms after each answer, and gives each to `take`: for what moves. */
export function useStream<Answer>(path: string, pause: number, take: (answer: Answer) => void): void {
  const newest = useRef(take);
  newest.current = take;
  useEffect(() => {
    const leaving = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const next = async () => {
      let wait = pause;
      try {
        newest.current(await ask<Answer>(path, leaving.signal));
      } catch {
        wait = 1000; // the server is away; the page says so elsewhere
      }
      if (!leaving.signal.aborted) timer = setTimeout(next, wait);
    };
    void next();
    return () => {
      leaving.abort();
      clearTimeout(timer);
    };
  }, [path, pause]);
}
