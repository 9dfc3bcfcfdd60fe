import { useEffect } from "react";
import { toggleFullscreen } from "./fullscreen";
import { command, isLearning, isRolled, recallNumber, toggleLearning, togglePause } from "./live/show";

export interface Doings {
  toggleOverlay(): void;
  zoom(by: 1 | -1): void;
}

/** What a key press asks for; null if it is not for the page. */
export function doingOf(event: {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}):
  | "overlay"
  | "fullscreen"
  | "pause"
  | "larger"
  | "smaller"
  | "roll"
  | "keep"
  | "back"
  | "undo"
  | "learn"
  | "recall"
  | "tap"
  | null {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "z") return "undo";
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  switch (event.key) {
    case "h":
    case "H":
    case "Tab":
      return "overlay";
    case "f":
    case "F":
      return "fullscreen";
    case " ":
      return "pause";
    case "d":
    case "D":
      return "roll";
    case "t":
    case "T":
      return "tap";
    case "l":
    case "L":
      return "learn";
    case "Enter":
      return "keep";
    case "Escape":
      return "back";
    case "+":
    case "=":
      return "larger";
    case "-":
    case "_":
      return "smaller";
    default:
      return /^[1-9]$/.test(event.key) ? "recall" : null;
  }
}

export function useKeys({ toggleOverlay, zoom }: Doings): void {
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      // Keys belong to what has the focus: a button, a field, later the text. Tab moves among the buttons of a question.
      const focused = event.target instanceof HTMLElement ? event.target : null;
      if (focused?.closest("button, input, select, textarea, [contenteditable=true]")) return;
      const doing = doingOf(event);
      if (doing === null || (event.key === "Tab" && document.querySelector(".permission button"))) return;
      if (doing === "back" && isLearning()) return toggleLearning();
      if ((doing === "keep" || doing === "back") && !isRolled()) return;
      event.preventDefault();
      if (event.repeat && doing !== "larger" && doing !== "smaller") return;
      if (doing === "overlay") toggleOverlay();
      else if (doing === "fullscreen") toggleFullscreen();
      else if (doing === "pause") togglePause();
      else if (doing === "learn") toggleLearning();
      else if (doing === "recall") recallNumber(Number(event.key));
      else if (doing === "undo") command("back");
      else if (doing === "larger" || doing === "smaller") zoom(doing === "larger" ? 1 : -1);
      else command(doing);
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [toggleOverlay, zoom]);
}
