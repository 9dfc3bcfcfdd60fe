/** Which sheet lies over the picture, between the first line and the desk: one at a time. */

import { useSyncExternalStore } from "react";

export type SheetName = "map" | "layers" | "library";

let open: SheetName | null = null;
const listeners = new Set<() => void>();

/** Opens a sheet, in place of the one that is open; null closes it. */
export function openSheet(name: SheetName | null): void {
  if (name === open) return;
  open = name;
  for (const listener of listeners) listener();
}

/** Opens a sheet, or closes it if it is the one that is open. */
export function toggleSheet(name: SheetName): void {
  openSheet(open === name ? null : name);
}

export function currentSheet(): SheetName | null {
  return open;
}

export function useOpenSheet(): SheetName | null {
  return useSyncExternalStore(listen, () => open);
}

function listen(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
