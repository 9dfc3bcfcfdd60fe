/** Does what keys and the palette ask for. */

import { useEffect } from "react";
import { type Doing, doingOf, type Place } from "./keys";
import {
  atDesk,
  command,
  isLearning,
  isRolled,
  master,
  recallNumber,
  toggleLearning,
  togglePause,
} from "./live/show";
import { act, currentModes } from "./modes/modes";
import { edit, playText, saveText } from "./text/editing";

/** Does one thing. `key`: the key that was pressed, for those that read it. */
export function perform(doing: Doing, key = ""): void {
  switch (doing) {
    case "black":
      return atDesk({ kind: "master", what: "black", value: master().black > 0 ? 0 : 1 });
    case "freeze":
      return atDesk({ kind: "master", what: "freeze", value: master().frozen ? 0 : 1 });
    case "palette":
      return act("toggle palette");
    case "sheet":
      return act("toggle sheet");
    case "close":
      return act("close");
    case "save":
      return saveText();
    case "play block":
    case "play block now":
      return playText("block", doing === "play block now");
    case "play all":
    case "play all now":
      return playText("all", doing === "play all now");
    case "edit":
      return edit();
    case "overlay":
      return act("toggle interface");
    case "fullscreen":
      return toggleFullscreen();
    case "pause":
      return togglePause();
    case "learn":
    case "stop learning":
      return toggleLearning();
    case "recall":
      return recallNumber(Number(key));
    case "undo":
      return command("back");
    case "larger":
    case "smaller":
      return sizes.forEach((change) => {
        change(doing === "larger" ? 1 : -1);
      });
    default:
      return command(doing);
  }
}

const sizes = new Set<(by: 1 | -1) => void>();

/** Listens to keys while the page is there. zoom: makes the text larger or smaller. */
export function useKeys(zoom: (by: 1 | -1) => void): void {
  useEffect(() => {
    sizes.add(zoom);
    return () => {
      sizes.delete(zoom);
    };
  }, [zoom]);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const doing = doingOf(event, placeOf(event.target));
      if (doing === null) return;
      event.preventDefault();
      // Before the text sees it: Ctrl+Enter would add a line there.
      event.stopPropagation();
      perform(doing, event.key);
    };
    addEventListener("keydown", press, { capture: true });
    return () => removeEventListener("keydown", press, { capture: true });
  }, []);
}

function placeOf(target: EventTarget | null): Place {
  const { locked, open } = currentModes();
  return {
    focus: focusOf(target instanceof Element ? target : null),
    locked,
    covered: open !== "nothing",
    rolled: isRolled(),
    learning: isLearning(),
  };
}

const BUTTON_LIKE = "button, a[href], summary, [role=slider], [role=button], input[type=range], input[type=checkbox]";

function focusOf(element: Element | null): Place["focus"] {
  if (element?.closest(".cm-content")) return "text";
  if (element?.closest(BUTTON_LIKE)) return "button";
  if (element?.closest("input, select, textarea, [contenteditable=true]")) return "field";
  return "page";
}

function toggleFullscreen(): void {
  // A browser may refuse; then nothing happens, which says it all.
  const done = document.fullscreenElement
    ? document.exitFullscreen()
    : document.documentElement.requestFullscreen();
  done.catch(() => {});
}
