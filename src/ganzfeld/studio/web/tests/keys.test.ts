import { describe, expect, it } from "vitest";
import { type Doing, doingOf, type Place, type Press, SHEET } from "../src/keys";
import { AT_FIRST, withAct } from "../src/modes/modes";

const nothing: Press = {
  key: "",
  code: "",
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  repeat: false,
  isComposing: false,
};
const playing: Place = {
  focus: "page",
  locked: false,
  covered: false,
  sheet: false,
  painting: false,
  rolled: false,
  learning: false,
};
const writing: Place = { ...playing, focus: "text" };

const press = (key: string, place: Partial<Place> = {}, held: Partial<Press> = {}): Doing | null =>
  doingOf({ ...nothing, key, ...held }, { ...playing, ...place });

const ctrl = { ctrlKey: true };
const shift = { shiftKey: true };
const alt = { altKey: true };
const PRINTABLE = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index));
const EDITING = ["Enter", "Escape", "Tab", "Backspace", "Delete", "ArrowUp", "ArrowDown", "Home", "End"];

describe("in PLAY", () => {
  it.each<[string, Doing]>([
    ["h", "overlay"],
    ["H", "overlay"],
    ["f", "fullscreen"],
    ["d", "roll"],
    ["t", "tap"],
    ["l", "learn"],
    ["e", "edit"],
    ["g", "map"],
    ["a", "layers"],
    ["p", "paint"],
    ["1", "recall"],
    ["9", "recall"],
    ["?", "sheet"],
    ["+", "larger"],
    ["-", "smaller"],
  ])("%s is %s", (key, doing) => expect(press(key)).toBe(doing));

  it("a space alone stops nothing: a lost caret would", () => {
    expect(press(" ")).toBeNull();
    expect(press(" ", {}, shift)).toBe("pause");
  });

  it("0, X and Tab do nothing of ours", () => {
    expect(["0", "x", "Tab"].map((key) => press(key))).toEqual([null, null, null]);
  });

  it("a sheet is closed by Escape, and what was done in it is taken back", () => {
    const sheet = { sheet: true };
    expect(press("Escape", sheet)).toBe("close sheet");
    expect([press("z", sheet, ctrl), press("z")]).toEqual(["take back", null]);
    expect([press("Z", sheet, { ...ctrl, ...shift }), press("y", sheet, ctrl)]).toEqual([
      "make again",
      "make again",
    ]);
    expect(press("z", { ...sheet, focus: "field" }, ctrl)).toBeNull();
  });

  it("painting has keys of its own, and no others but those that recall", () => {
    const painting = { painting: true };
    const keys = ["p", "Escape", "x", "]", "[", "3", "d", "e", "Enter"];
    expect(keys.map((key) => press(key, painting))).toEqual([
      ...(["paint", "paint", "eraser", "larger brush", "smaller brush", "recall"] as const),
      ...[null, null, null],
    ]);
    expect([press("z", painting, ctrl), press("y", painting, ctrl)]).toEqual(["undo stroke", "redo stroke"]);
    expect(press("Z", painting, { ...ctrl, ...shift })).toBe("redo stroke");
    expect(press(".", painting, ctrl)).toBe("black");
    expect(press("x", { ...painting, focus: "field" })).toBeNull();
    expect(press("Escape", { ...painting, focus: "field" })).toBe("paint");
    expect([press("x", painting, { repeat: true }), press("]", painting, { repeat: true })]).toEqual([
      null,
      "larger brush",
    ]);
  });

  it("Enter and Escape answer dice that are there, and end a lesson", () => {
    expect([press("Enter"), press("Escape")]).toEqual([null, null]);
    expect([press("Enter", { rolled: true }), press("Escape", { rolled: true })]).toEqual(["keep", "back"]);
    expect(press("Escape", { rolled: true, learning: true })).toBe("stop learning");
  });

  it("a key that is held acts once, but for the text's size", () => {
    const repeat = { repeat: true };
    expect(["d", "1", "t", "+"].map((key) => press(key, {}, repeat))).toEqual([null, null, null, "larger"]);
  });

  it("a button keeps its own keys, and not those of the instrument", () => {
    const button = { focus: "button", rolled: true } as const;
    expect(["Enter", " ", "d", "3"].map((key) => press(key, button))).toEqual([null, null, "roll", "recall"]);
  });
});

describe("in EDIT", () => {
  it.each([writing, { ...writing, rolled: true, learning: true }])("every key is text", (place) => {
    for (const key of [...PRINTABLE, ...EDITING])
      for (const held of [{}, shift]) expect(doingOf({ ...nothing, key, ...held }, place), key).toBeNull();
  });

  it.each<[string, Partial<Press>, Doing]>([
    ["Enter", ctrl, "play block"],
    ["Enter", { ...ctrl, ...alt }, "play block now"],
    ["Enter", { ...ctrl, ...shift }, "play all"],
    ["Enter", { ...ctrl, ...shift, ...alt }, "play all now"],
    ["Enter", { metaKey: true }, "play block"],
    ["s", ctrl, "save"],
    ["k", ctrl, "palette"],
  ])("%s with %o is %s", (key, held, doing) => expect(press(key, writing, held)).toBe(doing));

  it("undo is the text's", () => {
    expect(press("z", writing, ctrl)).toBeNull();
    expect(press("z", playing, ctrl)).toBe("undo");
  });

  it("AltGr writes characters: it is Ctrl and Alt at once", () => {
    for (const key of ["…", "@", "{", "k", "s"]) expect(press(key, writing, { ...ctrl, ...alt })).toBeNull();
  });

  it("what an input method composes is not ours", () => {
    expect(press("Enter", writing, { ...ctrl, isComposing: true })).toBeNull();
  });
});

describe("panic", () => {
  const period = { ...ctrl, code: "Period" };

  it.each<[string, Partial<Place>]>([
    ["in PLAY", {}],
    ["in EDIT", writing],
    ["in a field", { focus: "field" }],
    ["on a button", { focus: "button" }],
    ["under the palette", { covered: true, focus: "field" }],
    ["on a locked stage", { locked: true }],
  ])("works %s", (_, place) => {
    expect(press(".", place, period)).toBe("black");
    expect(press(">", place, { ...period, ...shift })).toBe("freeze");
    expect(press(":", place, { ...period, ...shift })).toBe("freeze"); // a German keyboard
  });
});

describe("elsewhere", () => {
  it("a field gets its keys, and the palette stays to be had", () => {
    for (const key of [...PRINTABLE, ...EDITING]) expect(press(key, { focus: "field" }), key).toBeNull();
    expect(press("k", { focus: "field" }, ctrl)).toBe("palette");
  });

  it("under the palette only Escape is ours", () => {
    const covered = { covered: true, focus: "field" } as const;
    expect(press("Escape", covered)).toBe("close");
    expect([press("d", covered), press("Enter", covered), press("s", covered, ctrl)]).toEqual([
      null,
      null,
      null,
    ]);
  });

  it("a locked stage recalls, and nothing more", () => {
    const locked = { locked: true };
    for (const key of [...PRINTABLE, ...EDITING])
      expect(press(key, locked), key).toBe(/^[1-9]$/.test(key) ? "recall" : null);
    for (const key of ["s", "k", "Enter", "z"]) expect(press(key, locked, ctrl)).toBeNull();
    expect(press("1", { ...locked, focus: "field" })).toBeNull();
  });

  it("the browser keeps its own", () => {
    expect([press("f", {}, ctrl), press("+", {}, { metaKey: true }), press("t", {}, alt)]).toEqual([
      null,
      null,
      null,
    ]);
  });

  it("the sheet says every key of the instrument", () => {
    const said = SHEET.flatMap(({ keys }) => keys.map(([key]) => key)).join(" ");
    for (const key of ["D", "T", "L", "H", "F", "E", "?", "1–9", "Shift Space", "Ctrl .", "Ctrl Shift ."])
      expect(said).toContain(key);
  });
});

describe("withAct", () => {
  it("goes into the text and leaves it", () => {
    const writing = withAct({ ...AT_FIRST, hidden: true }, "enter text");
    expect(writing).toMatchObject({ mode: "edit", hidden: false });
    expect(withAct(writing, "leave text").mode).toBe("play");
  });

  it("a lock leaves the text and lets nothing be opened", () => {
    const locked = withAct(withAct(AT_FIRST, "enter text"), "toggle lock");
    expect(locked).toMatchObject({ mode: "play", locked: true });
    for (const act of ["enter text", "toggle palette", "toggle sheet", "toggle interface"] as const)
      expect(withAct(locked, act)).toBe(locked);
    expect(withAct(locked, "toggle lock").locked).toBe(false);
  });

  it("one thing is open at a time, over an interface that shows", () => {
    const palette = withAct({ ...AT_FIRST, hidden: true }, "toggle palette");
    expect(palette).toMatchObject({ open: "palette", hidden: false });
    expect(withAct(palette, "toggle sheet").open).toBe("sheet");
    expect(withAct(palette, "toggle palette").open).toBe("nothing");
    expect(withAct(palette, "close").open).toBe("nothing");
  });
});
