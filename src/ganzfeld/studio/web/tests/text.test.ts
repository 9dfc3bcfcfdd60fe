import { EditorState } from "@codemirror/state";
import { describe, expect, it } from "vitest";
import type { Problem } from "../src/live/wire";
import { CHARACTER, fontSize, LARGEST, LINE, SMALLEST } from "../src/text/fit";
import { names, patchLanguage } from "../src/text/language";
import { changeMarks, rollMarks, setRolled } from "../src/text/marks";
import { placeOf, problemMarks, problemsIn, setProblems } from "../src/text/problems";
import { runs } from "../src/text/veil";

const TEXT = 'source = noise("simplex2d", tx=phase(0.1))\nface.bend("b4", scale=1 + push*sin(t))\n';

const problem = (line: number | null, column: number | null, file: string | null = null): Problem => ({
  what: "",
  hint: "",
  file,
  line,
  column,
  address: null,
});

describe("names", () => {
  it("tells what is defined, what is an argument and what is the clock", () => {
    const state = EditorState.create({ doc: TEXT, extensions: patchLanguage });
    const found = names(state).map(({ from, to, kind }) => [state.sliceDoc(from, to), kind]);
    expect(found).toEqual([
      ["source", "defined"],
      ["tx", "argument"],
      ["scale", "argument"],
      ["t", "clock"],
    ]);
  });

  it("does not take a call, an argument or a string for the clock", () => {
    const state = EditorState.create({
      doc: 'a = t(1)\nf(t=2, "t")\nb = beat*i\n',
      extensions: patchLanguage,
    });
    const found = names(state).map(({ from, to, kind }) => [state.sliceDoc(from, to), kind]);
    expect(found).toEqual([
      ["a", "defined"],
      ["t", "argument"],
      ["b", "defined"],
      ["beat", "clock"],
      ["i", "clock"],
    ]);
  });

  it("survives a text that is no patch", () => {
    for (const doc of ["", "(((", "= = =", "\n\n", "f(x=", "'''", "日本語 = 1"]) {
      expect(() => names(EditorState.create({ doc, extensions: patchLanguage }))).not.toThrow();
    }
  });
});

describe("placeOf", () => {
  const { doc } = EditorState.create({ doc: TEXT });
  const word = (found: { from: number; to: number } | null) =>
    found === null ? null : doc.sliceString(found.from, found.to);

  it("finds the word at a line and column", () => {
    expect(word(placeOf(problem(1, 10), doc))).toBe("noise");
    expect(word(placeOf(problem(2, 17), doc))).toBe("scale");
    expect(word(placeOf(problem(1, 8), doc))).toBe("=");
  });

  it("stays inside the text wherever an error points", () => {
    for (const line of [-3, 0, 1, 2, 3, 4, 99]) {
      for (const column of [null, -1, 0, 1, 40, 41, 999]) {
        const found = placeOf(problem(line, column), doc);
        expect(found?.from).toBeGreaterThanOrEqual(0);
        expect(found?.to).toBeLessThanOrEqual(doc.length);
        expect(found?.to).toBeGreaterThanOrEqual(found?.from ?? 0);
      }
    }
    expect(placeOf(problem(null, null), doc)).toBeNull();
    expect(placeOf(problem(1, 1), EditorState.create().doc)).toEqual({ line: 0, from: 0, to: 0 });
  });

  it("leaves errors of other files alone", () => {
    const all = [
      problem(1, 1, "/a/organ.ganz"),
      problem(1, 1, "C:\\a\\organ.ganz"),
      problem(1, 1, "/a/x.py"),
      problem(1, 1),
    ];
    expect(problemsIn(all, "organ.ganz")).toEqual([all[0], all[1], all[3]]);
  });

  it("marks each line once, however many errors it has, in any order", () => {
    let state = EditorState.create({ doc: TEXT, extensions: [problemMarks, changeMarks] });
    const problems = [problem(2, 17), problem(1, 10), problem(2, 1), problem(2, null), problem(50, 9)];
    state = state.update({ effects: setProblems.of(problems) }).state;
    const classes: string[] = [];
    state.field(problemMarks).marks.between(0, state.doc.length, (_from, _to, mark) => {
      classes.push(mark.spec.class);
    });
    expect(classes.filter((each) => each === "problem-line")).toHaveLength(3);
    expect(classes.filter((each) => each === "problem-place")).toHaveLength(3);
  });
});

describe("rollMarks", () => {
  it("marks the line that dice rolled, or shows one where it would stand", () => {
    const state = EditorState.create({ doc: `${TEXT}a\nb\n`, extensions: rollMarks });
    const marked = (text: string, after: number | null = null) => {
      const found: number[] = [];
      const next = state.update({ effects: setRolled.of(text ? { text, after } : null) }).state;
      next.field(rollMarks).between(0, next.doc.length, (from) => {
        found.push(next.doc.lineAt(from).number);
      });
      return found;
    };
    expect(marked("b")).toEqual([4]);
    expect(marked("c")).toEqual([]);
    expect(marked("")).toEqual([]);
    expect(marked("c", 3)).toEqual([3]);
    expect(marked("c", 99)).toEqual([state.doc.lines]);
  });
});

describe("runs", () => {
  it("lie behind words, not behind the gap before a comment", () => {
    const { doc } = EditorState.create({ doc: "face   = flip(x)      # turned\n\n    y  " });
    expect(runs(doc).map(([from, to]) => doc.sliceString(from, to))).toEqual([
      "face   = flip(x)",
      "# turned",
      "y",
    ]);
  });
});

describe("fontSize", () => {
  it("is the largest at which everything fits", () => {
    const text = `${"x".repeat(80)}\n`.repeat(19);
    const size = fontSize(text, 1400, 700);
    expect(80 * CHARACTER * size).toBeLessThanOrEqual(1400);
    expect(20 * LINE * size).toBeLessThanOrEqual(700);
    expect(fontSize(text, 2000, 2000)).toBeGreaterThan(size);
  });

  it("keeps within its bounds", () => {
    expect(fontSize("", 5000, 5000)).toBe(LARGEST);
    expect(fontSize("x".repeat(5000), 300, 300)).toBe(SMALLEST);
    expect(fontSize("x", 0, 0)).toBe(SMALLEST);
  });
});
