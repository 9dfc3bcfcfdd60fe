/** Remarks that do not flicker: each is shown once it has lasted, and stays for a while after it is over. */

import { useEffect, useState } from "react";
import { type ShowState, useShow } from "../live/show";
import { type Remark, remarks } from "./words";

/** In ms. */
export const LASTS = 3000;
export const STAYS = 5000;

export interface Kept extends Remark {
  /** When it came, and when it held for the last time (ms). */
  since: number;
  seen: number;
  isShown: boolean;
}

/** The remarks as they are kept at `now`, given those that hold then. Those that are shown keep their order. */
export function steadied(before: readonly Kept[], found: readonly Remark[], now: number): Kept[] {
  const holds = new Map(found.map((remark) => [remark.about, remark]));
  const kept: Kept[] = [];
  for (const old of before) {
    const remark = holds.get(old.about);
    holds.delete(old.about);
    if (remark) {
      const isShown = old.isShown || now - old.since >= LASTS;
      kept.push({ ...remark, since: old.since, seen: now, isShown });
    } else if (old.isShown && now - old.seen < STAYS) {
      kept.push(old);
    }
  }
  for (const remark of holds.values()) kept.push({ ...remark, since: now, seen: now, isShown: false });
  return kept;
}

/** What is to be read now. `shown`: picks what this window shows; null where it is not to be judged. */
export function useRemarks(pickShown: (show: ShowState) => ShowState["shown"]): Kept[] {
  const status = useShow((show) => (show.connection === "live" ? show.status : null));
  const shown = useShow(pickShown);
  const [kept, setKept] = useState<Kept[]>([]);
  useEffect(() => {
    const found = status ? remarks(status, shown) : [];
    setKept((before) => (status ? steadied(before, found, performance.now()) : []));
  }, [status, shown]);
  return kept.filter((remark) => remark.isShown);
}
