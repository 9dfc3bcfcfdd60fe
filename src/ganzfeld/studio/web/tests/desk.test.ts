import { EditorState } from "@codemirror/state";
import { describe, expect, it } from "vitest";
import { freeName, nameOf, valueAt, written } from "../src/desk/curve";
import { numberAt, numberMarks, rangeOf, setLearnable } from "../src/text/numbers";

describe("a knob's curve", () => {
  it("spreads positions as the patch does", () => {
    expect(valueAt({ low: -2, high: 3, curve: 1 }, 0.5)).toBe(0.5);
    expect(valueAt({ low: 0, high: 1, curve: 2 }, 0.5)).toBe(0.25);
    expect(valueAt({ low: 20, high: 20000, curve: "log" }, 1 / 3)).toBeCloseTo(200);
    expect(valueAt({ low: 3, high: -2, curve: 1 }, 7)).toBe(-2);
  });

  it("is written with the digits that its range makes sense of", () => {
    expect(written({ low: 0, high: 1, curve: 1 }, 1 / 3)).toBe("0.33");
    expect(written({ low: -180, high: 180, curve: 1 }, -12.34)).toBe("-12");
    expect(written({ low: -1, high: 1, curve: 1 }, -0.001)).toBe("0.00");
  });
});

describe("names", () => {
  it("are those of the expressions", () => expect(nameOf("/face/spin/rotate")).toBe("face.spin.rotate"));

  it("are free letters", () => {
    expect(freeName([])).toBe("A");
    expect(freeName(["B", "A", "dawn"])).toBe("C");
    expect(freeName([..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"])).toBe("A2");
  });
});

describe("numberMarks", () => {
  const doc = "a = noise()\nb = flip(a, x=0.25)\n";
  const number = { address: "/b/x", line: 2, column: 15, length: 4 };

  it("marks the numbers that may be learned, and tells which one is clicked", () => {
    const learnable = { numbers: [number, { ...number, line: 9 }], target: "/b/x" };
    const state = EditorState.create({ doc, extensions: numberMarks });
    const next = state.update({ effects: setLearnable.of(learnable) }).state;
    const found: string[] = [];
    next.field(numberMarks).marks.between(0, next.doc.length, (from, to) => {
      found.push(next.sliceDoc(from, to));
    });
    expect(found).toEqual(["0.25"]);
    const place = doc.indexOf("0.25");
    expect(numberAt(learnable, next.doc, place + 2)).toBe(number);
    expect(numberAt(learnable, next.doc, place - 1)).toBeUndefined();
    expect(numberAt(null, next.doc, place)).toBeUndefined();
    const edited = next.update({ changes: { from: 0, insert: "# new\n" } }).state;
    expect(edited.field(numberMarks).learnable).toBeNull();
  });

  it("ignores what lies outside the text", () => {
    const state = EditorState.create({ doc });
    for (const wrong of [
      { ...number, line: 0 },
      { ...number, column: 99 },
      { ...number, length: 0 },
    ]) {
      expect(rangeOf(wrong, state.doc)).toBeNull();
    }
  });
});
