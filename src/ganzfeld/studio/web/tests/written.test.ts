import { EditorState, Text } from "@codemirror/state";
import { describe, expect, it } from "vitest";
import type { Words } from "../src/live/wire";
import { draggableAt } from "../src/text/dragging/numbers";
import { dragged, heldOf, writtenAs } from "../src/text/dragging/steps";
import { patchLanguage } from "../src/text/language";
import { problemMarks, setProblems } from "../src/text/problems";
import { lineInText, setGood, setPlayed, unplayedLines, written } from "../src/text/written";

function stateOf(played: string, now: string): EditorState {
  const state = EditorState.create({ doc: now, extensions: [patchLanguage, written] });
  return state.update({ effects: setPlayed.of(Text.of(played.split("\n"))) }).state;
}

function marked(state: EditorState): [number, string][] {
  const found: [number, string][] = [];
  state.field(written).marks.between(0, state.doc.length, (from, _to, mark) => {
    found.push([state.doc.lineAt(from).number, mark.spec.class]);
  });
  return found;
}

describe("written", () => {
  it.each([
    ["a\nb\nc", "a\nb\nc", 0, []],
    ["a\nb\nc", "a\nB!\nc", 1, [[2, "unplayed-line"]]],
    [
      "a\nc",
      "a\nb\nb2\nc",
      2,
      [
        [2, "unplayed-line"],
        [3, "unplayed-line"],
      ],
    ],
    ["a\nb\nc", "a\nc", 1, [[2, "unplayed-gap"]]],
    ["", "a", 1, [[1, "unplayed-line"]]],
    ["a\n", "a\nlast line", 1, [[2, "unplayed-line"]]],
  ])("marks what differs between %j and %j", (played, now, count, marks) => {
    const state = stateOf(played, now);
    expect(unplayedLines(state)).toBe(count);
    expect(marked(state)).toEqual(marks);
  });

  it("follows what is typed, and what is played", () => {
    let state = stateOf("a\nb", "a\nb");
    state = state.update({ changes: { from: 3, insert: "x" } }).state;
    expect(marked(state)).toEqual([[2, "unplayed-line"]]);
    state = state.update({ effects: setPlayed.of(Text.of(["a", "bx"])) }).state;
    expect(marked(state)).toEqual([]);
    state = state.update({ changes: { from: 3, to: 4 } }).state;
    state = state.update({ changes: { from: 3, insert: "x" } }).state;
    expect(unplayedLines(state)).toBe(0);
  });

  it("compares with what plays on, while what was played last does not", () => {
    const lines = (text: string) => Text.of(text.split("\n"));
    let state = EditorState.create({ doc: "a\nbad", extensions: [patchLanguage, written, problemMarks] });
    const wrong = { what: "no", hint: "", file: null, line: 2, column: 1, address: null };
    state = state.update({
      effects: [setPlayed.of(lines("a\nbad")), setGood.of(lines("a\nb")), setProblems.of([wrong])],
    }).state;
    expect([unplayedLines(state), state.field(problemMarks).standing]).toEqual([1, "there"]);
    const changed = state.update({ changes: { from: 5, insert: "x" } }).state;
    expect([unplayedLines(changed), changed.field(problemMarks).standing]).toEqual([1, "changed"]);
    const back = state.update({ changes: { from: 3, to: 5 } }).state;
    expect([unplayedLines(back), back.field(problemMarks).standing]).toEqual([0, "gone"]);
    expect(back.field(problemMarks).marks.size).toBe(0);
    // The same, while another line is being written.
    const elsewhere = back.update({ changes: { from: 0, insert: "new\n" } }).state;
    expect([unplayedLines(elsewhere), elsewhere.field(problemMarks).standing]).toEqual([1, "gone"]);
  });

  it("knows where a line of what plays is now", () => {
    const state = stateOf("one\ntwo\nthree\nfour", "zero\none\nthree\nFOUR");
    expect([1, 2, 3, 4].map((line) => lineInText(line, state))).toEqual([2, null, 3, 4]);
    expect([-1, 99].map((line) => lineInText(line, state))).toEqual([2, 4]);
  });
});

describe("dragging a number", () => {
  const psi = { low: -1, high: 2 };

  it("goes through its span in 240 pixels, and stays in it", () => {
    const held = heldOf("0.8", psi);
    if (!held) throw new Error("0.8 is a number");
    expect(writtenAs(held, dragged(held, 0.8, 80, false))).toBe("1.8");
    expect(writtenAs(held, dragged(held, 0.8, 800, false))).toBe("2");
    expect(writtenAs(held, dragged(held, 0.8, 80, true))).toBe("0.9");
    expect(writtenAs(held, dragged(held, 0.8, -64, false))).toBe("0");
  });

  it("of no span changes by its last digit", () => {
    const whole = heldOf("40", null);
    const fraction = heldOf("0.25", null);
    if (!whole || !fraction) throw new Error("both are numbers");
    expect(writtenAs(whole, dragged(whole, 40, 9, false))).toBe("43");
    expect(writtenAs(fraction, dragged(fraction, 0.25, -9, false))).toBe("0.22");
  });

  it("what began outside its span is not thrown into it", () => {
    const held = heldOf("50", psi);
    if (!held) throw new Error("50 is a number");
    expect(dragged(held, 50, 80, false)).toBe(51);
  });

  it("takes plain numbers only", () => {
    for (const text of ["1e9", "0x10", "2j", "1_000", "", "-", "x"]) expect(heldOf(text, null)).toBeNull();
    for (const text of ["1", "-0.5", ".5", "1."]) expect(heldOf(text, null)).not.toBeNull();
  });

  it("knows the address of a number where the text still says what plays", () => {
    const played = 'face = network("planets", psi=0.8)\nsource = noise(tx=-2)\n';
    const number = (address: string, line: number, column: number, length: number) => {
      return { address, line, column, length, low: -1, high: 2, default: 1, unit: "" };
    };
    const words = {
      numbers: [number("/face/psi", 1, 31, 3), number("/source/tx", 2, 19, 2)],
    } as unknown as Words;
    const state = stateOf(played, `# new\n${played}`);
    const at = (text: string) => draggableAt(state, state.doc.toString().indexOf(text) + text.length, words);
    expect(at("psi=0")).toMatchObject({ written: "0.8", known: { address: "/face/psi" } });
    expect(at("tx=-2")).toMatchObject({ written: "-2", known: { address: "/source/tx" } });
    const changed = stateOf(played, played.replace("planets", "flowers"));
    expect(draggableAt(changed, 31, words)).toMatchObject({ written: "0.8", known: null });
    expect(draggableAt(state, 2, words)).toBeNull();
  });
});
