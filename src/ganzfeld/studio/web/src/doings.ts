/** Does what keys and the palette ask for. */

import { useEffect } from "react";
import { isPainting, redo, resizeTip, toggleBrush, toggleEraser, undo } from "./brush/painting";
import { toggleBlack, toggleFreeze } from "./desk/master";
import { toggleFullscreen } from "./fullscreen";
import { type Doing, doingOf, type Place } from "./keys";
import {
  command,
  currentShow,
  isLearning,
  isRolled,
  recallNumber,
  toggleLearning,
  togglePause,
} from "./live/show";
import { act, currentModes } from "./modes/modes";
import { currentSheet, openSheet, toggleSheet } from "./sheets/open";
import { edit, playText, saveText } from "./text/editing";
import { takeBack } from "./text/edits";

/** Does one thing. `key`: the key that was pressed, for those that read it. */
export function perform(doing: Doing, key = ""): void {
  ACTS[doing](key);
}

const ACTS: Readonly<Record<Doing, (key: string) => void>> = {
  black: () => toggleBlack(),
  freeze: () => toggleFreeze(),
  palette: () => act("toggle palette"),
  sheet: () => act("toggle sheet"),
  close: () => act("close"),
  save: saveText,
  "play block": () => playText("block", false),
  "play block now": () => playText("block", true),
  "play all": () => playText("all", false),
  "play all now": () => playText("all", true),
  edit,
  overlay: () => act("toggle interface"),
  fullscreen: toggleFullscreen,
  pause: togglePause,
  larger: () => resize(1),
  smaller: () => resize(-1),
  roll: () => command("roll"),
  keep: () => command("keep"),
  back: () => command("back"),
  "arm dice": () => command(currentShow().status?.dice_armed ? "disarm" : "arm"),
  undo: () => command("back"),
  learn: toggleLearning,
  "stop learning": toggleLearning,
  recall: (key) => recallNumber(Number(key)),
  tap: () => command("tap"),
  map: () => toggleSheet("map"),
  library: () => toggleSheet("library"),
  layers: () => toggleSheet("layers"),
  "close sheet": () => openSheet(null),
  paint: () => toggleBrush(),
  eraser: () => toggleEraser(),
  "larger brush": () => resizeTip(1),
  "smaller brush": () => resizeTip(-1),
  "undo stroke": () => undo(),
  "redo stroke": () => redo(),
  "take back": () => takeBack(),
  "make again": () => takeBack(true),
};

function resize(by: 1 | -1): void {
  for (const change of sizes) change(by);
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
      const place = placeOf(event.target);
      if (place.focus === "page" && currentModes().mode === "edit" && !place.covered) {
        // The badge says EDIT: this key is text, wherever the focus has got to, and goes where the focus is next.
        edit();
        place.focus = "text";
      }
      const doing = doingOf(event, place);
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
    sheet: currentSheet() !== null,
    painting: isPainting(),
    rolled: isRolled(),
    learning: isLearning(),
  };
}

const BUTTON_LIKE =
  "button, a[href], summary, [role=slider], [role=button], input[type=range], input[type=checkbox], input[type=radio]";

function focusOf(element: Element | null): Place["focus"] {
  if (element?.closest(".cm-content")) return "text";
  if (element?.closest(BUTTON_LIKE)) return "button";
  if (element?.closest("input, select, textarea, [contenteditable=true]")) return "field";
  return "page";
}
