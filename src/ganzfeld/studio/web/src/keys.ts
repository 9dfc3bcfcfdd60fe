/** What a key press asks for. Pure: who does it is in `doings.ts`. */

export interface Press {
  key: string;
  code: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  shiftKey: boolean;
  repeat: boolean;
  isComposing: boolean;
}

/** Where a press arrives. */
export interface Place {
  /** What has the focus: the patch's text, something else that is typed into, a button or knob, or nothing. */
  focus: "text" | "field" | "button" | "page";
  locked: boolean;
  /** The palette or the key sheet lies over the page. */
  covered: boolean;
  /** A sheet (the map, say) lies over the picture. */
  sheet: boolean;
  /** A mask is painted. */
  painting: boolean;
  /** Dice propose a line. */
  rolled: boolean;
  /** A control is being learned. */
  learning: boolean;
}

export type Doing =
  | "black"
  | "freeze"
  | "palette"
  | "sheet"
  | "close"
  | "save"
  | "play block"
  | "play block now"
  | "play all"
  | "play all now"
  | "edit"
  | "overlay"
  | "fullscreen"
  | "pause"
  | "larger"
  | "smaller"
  | "roll"
  | "keep"
  | "back"
  | "arm dice"
  | "undo"
  | "learn"
  | "stop learning"
  | "recall"
  | "tap"
  | "map"
  | "library"
  | "layers"
  | "close sheet"
  | "paint"
  | "eraser"
  | "larger brush"
  | "smaller brush"
  | "undo stroke"
  | "redo stroke"
  | "take back"
  | "make again";

/** What is asked for; null: the press is not the page's, and goes where the focus is. */
export function doingOf(press: Press, place: Place): Doing | null {
  if (press.isComposing) return null;
  const panic = panicOf(press);
  if (panic) return panic;
  if (place.locked) return place.focus === "field" ? null : recallOf(press);
  if (place.covered) return press.key === "Escape" ? "close" : null;
  if (place.painting) return painted(press, place);
  if (press.ctrlKey || press.metaKey) return held(press, place);
  if (place.focus === "text" || place.focus === "field" || press.altKey) return null;
  return played(press, place);
}

/** Ctrl+. and Ctrl+Shift+.: they work wherever the caret is, and on a locked stage, too. */
function panicOf(press: Press): "black" | "freeze" | null {
  if (!(press.ctrlKey || press.metaKey) || press.altKey || press.repeat) return null;
  if (press.code !== "Period" && press.key !== "." && press.key !== ">") return null;
  return press.shiftKey ? "freeze" : "black";
}

function held(press: Press, place: Place): Doing | null {
  if (press.key === "Enter") {
    if (press.shiftKey) return press.altKey ? "play all now" : "play all";
    if (place.focus !== "text") return null;
    return press.altKey ? "play block now" : "play block";
  }
  const key = press.key.toLowerCase();
  const isOut = place.focus === "page" || place.focus === "button";
  if (place.sheet && isOut && !press.altKey) {
    if (key === "z") return press.shiftKey ? "make again" : "take back";
    if (key === "y" && !press.shiftKey) return "make again";
  }
  if (press.altKey || press.shiftKey) return null;
  if (key === "k") return "palette";
  if (key === "s") return "save";
  if (key === "z" && isOut) return "undo";
  return null;
}

const PAINTED: Readonly<Record<string, Doing>> = {
  p: "paint",
  x: "eraser",
  "]": "larger brush",
  "[": "smaller brush",
  "+": "larger brush",
  "-": "smaller brush",
};

/** The keys while a mask is painted. */
function painted(press: Press, place: Place): Doing | null {
  if (press.key === "Escape") return "paint";
  const key = press.key.toLowerCase();
  if (press.ctrlKey || press.metaKey) {
    if (press.altKey || place.focus === "field") return null;
    if (key === "z") return press.shiftKey ? "redo stroke" : "undo stroke";
    return key === "y" && !press.shiftKey ? "redo stroke" : null;
  }
  if (place.focus === "field" || press.altKey) return null;
  if (key === " ") return press.shiftKey && !press.repeat ? "pause" : null;
  const doing = PAINTED[key];
  if (doing) return press.repeat && !doing.endsWith("brush") ? null : doing;
  return recallOf(press);
}

const PLAYED: Readonly<Record<string, Doing>> = {
  b: "library",
  a: "layers",
  d: "roll",
  e: "edit",
  f: "fullscreen",
  g: "map",
  h: "overlay",
  l: "learn",
  p: "paint",
  t: "tap",
  "?": "sheet",
  "+": "larger",
  "=": "larger",
  "-": "smaller",
  _: "smaller",
};
const REPEATS: ReadonlySet<Doing> = new Set<Doing>(["larger", "smaller"]);

/** The keys of the instrument. */
function played(press: Press, place: Place): Doing | null {
  if (press.key === " ") return press.shiftKey && !press.repeat ? "pause" : null;
  if (press.key === "Escape" && place.learning) return "stop learning";
  if (press.key === "Escape" && place.rolled) return "back";
  if (press.key === "Escape" && place.sheet) return "close sheet";
  if (press.key === "Enter" && place.focus !== "button" && place.rolled) return "keep";
  const doing = PLAYED[press.key.toLowerCase()] ?? recallOf(press);
  return doing && press.repeat && !REPEATS.has(doing) ? null : doing;
}

function recallOf(press: Press): "recall" | null {
  if (press.ctrlKey || press.metaKey || press.altKey || press.repeat) return null;
  return /^[1-9]$/.test(press.key) ? "recall" : null;
}

/** The key sheet: what is pressed, and what it does. */
export const SHEET: readonly { title: string; keys: readonly (readonly [string, string])[] }[] = [
  {
    title: "Everywhere",
    keys: [
      ["Ctrl .", "black, and back"],
      ["Ctrl Shift .", "freeze, and on"],
      ["Ctrl K", "palette: commands, examples, nodes"],
      ["Ctrl S", "save the file"],
      ["Ctrl Shift Enter", "play the whole text"],
      ["… with Alt", "at once, without bar or fade"],
    ],
  },
  {
    title: "PLAY",
    keys: [
      ["1–9", "recall a snapshot"],
      ["D", "dice: a bend to look at"],
      ["Enter  Esc", "take it, drop it"],
      ["T", "tap the beat"],
      ["L", "learn a control"],
      ["B", "the library"],
      ["H", "hide the interface"],
      ["F", "full screen"],
      ["Shift Space", "pause, and on"],
      ["+ −", "size of the text"],
      ["G", "map of the patch"],
      ["P", "paint where a line bends"],
      ["A", "layers of the networks"],
      ["E", "into the text"],
      ["?", "this sheet"],
    ],
  },
  {
    title: "Painting",
    keys: [
      ["[  ]", "smaller, larger brush"],
      ["X", "erase, and paint again"],
      ["Ctrl Z  Ctrl Y", "a stroke back, and again"],
      ["Esc", "done"],
    ],
  },
  {
    title: "EDIT",
    keys: [
      ["Ctrl Enter", "play the block under the caret"],
      ["Esc", "leave the text"],
      ["Ctrl Space", "complete a word"],
      ["Ctrl /", "comment, and back"],
      ["Alt ↑ ↓", "move lines"],
      ["Ctrl F", "find"],
      ["Ctrl Z  Ctrl Y", "undo, redo: changes text, plays nothing"],
      ["drag under a number", "turn it; double click: its default"],
      ["Alt 1–5", "take a picture of the film strip"],
    ],
  },
];
