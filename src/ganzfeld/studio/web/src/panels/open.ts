/** Which panel is open: part of the page's address ("#doors"), so that a reload keeps it. */

import { useSyncExternalStore } from "react";

export const PANELS = ["doors", "inputs", "sound", "view", "links", "check"] as const;
export type PanelName = (typeof PANELS)[number];

const CHANGED = "ganzfeld:panel";

export function panelIn(hash: string): PanelName | null {
  return PANELS.find((name) => `#${name}` === hash) ?? null;
}

/** Opens a panel, or closes it if it is the one that is open. */
export function togglePanel(name: PanelName): void {
  const url = new URL(location.href);
  url.hash = panelIn(url.hash) === name ? "" : name;
  history.replaceState(null, "", url);
  dispatchEvent(new Event(CHANGED));
}

export function useOpenPanel(): PanelName | null {
  return useSyncExternalStore(
    (changed) => {
      addEventListener(CHANGED, changed);
      addEventListener("hashchange", changed);
      return () => {
        removeEventListener(CHANGED, changed);
        removeEventListener("hashchange", changed);
      };
    },
    () => panelIn(location.hash),
  );
}
