/** Values as they are now, of the numbers that are seen and move by themselves: asked for together, a few times a
 * second. */

import { useEffect, useSyncExternalStore } from "react";
import { ask } from "../panels/ask";

/** The studio answers about so many at once. */
const MOST = 32;
const EVERY = 250;

const wanted = new Map<string, number>();
let values: Readonly<Record<string, unknown>> = {};
const listeners = new Set<() => void>();
let looks = false;

/** The value at an address now, while somebody shows it: a number, several, or null if that is not known. address "":
 * nothing is asked for. */
export function useValue(address: string): number | readonly number[] | null {
  useEffect(() => {
    if (address === "") return;
    wanted.set(address, (wanted.get(address) ?? 0) + 1);
    if (!looks) setTimeout(look);
    looks = true;
    return () => {
      const left = (wanted.get(address) ?? 1) - 1;
      if (left > 0) wanted.set(address, left);
      else wanted.delete(address);
    };
  }, [address]);
  return useSyncExternalStore(listen, () => {
    const value = values[address];
    if (Array.isArray(value)) return value as number[];
    return typeof value === "number" && Number.isFinite(value) ? value : null;
  });
}

function listen(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

async function look(): Promise<void> {
  const asked = [...wanted.keys()].slice(0, MOST);
  if (asked.length === 0) {
    looks = false;
    return;
  }
  const query = asked.map((address) => `address=${encodeURIComponent(address)}`).join("&");
  try {
    values = await ask<Record<string, unknown>>(`/api/values?${query}`);
    for (const listener of listeners) listener();
  } catch {
    // The studio is away: the page says so elsewhere.
  }
  setTimeout(look, EVERY);
}
