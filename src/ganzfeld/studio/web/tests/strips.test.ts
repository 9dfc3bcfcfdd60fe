import { EditorState } from "@codemirror/state";
import { describe, expect, it } from "vitest";
import { amountsOf, stripAt, valuesOf } from "../src/strips/values";
import { patchLanguage } from "../src/text/language";

const PATCH = `bpm(124)
push = knob(-2, 3)
face = network("planets", latent=noise(tx=phase(0.1)), psi=0.8)
face.bend("b64", rotate=1 + 40*push, channels=0.3, seed=4)
face.move("1", amount=2*sin(t))
face.bend("b8", blur=-0.5)
for k in range(8):
    face.bend(f"b{k}", gain=k)
out(face, size=(1024, 512), fps=60)
`;
const state = EditorState.create({ doc: PATCH, extensions: [patchLanguage] });

/** The strip at the first place of these letters; `+` moves on from there. */
const at = (letters: string, more = 0, only = false) =>
  stripAt(state, PATCH.indexOf(letters) + more, null, only);
const about = (letters: string, more = 0, only = false) => {
  const strip = at(letters, more, only);
  return strip && [PATCH.slice(strip.from, strip.to), ...strip.values];
};

describe("which number a strip is about", () => {
  it("the one at the caret, from −2 to 2 times what is written", () => {
    expect(about("40*push", 1)).toEqual(["40", "-80", "-40", "0", "40", "80"]);
    expect(at("40*push")?.now).toBe(3);
    expect(about("0.1)", 1)).toEqual(["0.1", "-0.2", "-0.1", "0", "0.1", "0.2"]);
  });

  it("with its sign", () => {
    expect(about("0.5)", 0, true)).toEqual(["-0.5", "1", "0.5", "0", "-0.5", "-1"]);
  });

  it("the amount of the argument that the caret is in, or of the line", () => {
    expect(about("rotate", 2)?.[0]).toBe("40");
    expect(about('"b64"', 2)?.[0]).toBe("40");
    expect(about("bend", 2)?.[0]).toBe("40");
    expect(about('"1"', 1)?.[0]).toBe("2");
    expect(about("psi", 1)?.[0]).toBe("0.8");
    expect(about("rotate", 2, true)).toBeNull();
  });

  it("none where other values show nothing", () => {
    for (const letters of ["124", "-2, 3", "1024", "60)", "8):", "planets", "push ="])
      expect(about(letters, 1)).toBeNull();
    expect(about("0.3", 1)).toBeNull();
  });
});

describe("the values of a strip", () => {
  it("go across the declared range, and what is written is among them", () => {
    expect(valuesOf({ written: "9.0", value: 9, span: { low: -1, high: 1 } })).toEqual([
      "-1",
      "-0.5",
      "0",
      "0.5",
      "1",
    ]);
    expect(valuesOf({ written: "0.8", value: 0.8, span: { low: -1, high: 2 } })).toEqual([
      "-1",
      "-0.25",
      "0.8",
      "1.25",
      "2",
    ]);
    expect(valuesOf({ written: "4", value: 4, span: { low: 0, high: 100 } })).toEqual([
      "4",
      "25",
      "50",
      "75",
      "100",
    ]);
  });

  it("are −2 to 2 around nothing", () => {
    expect(valuesOf({ written: "0", value: 0, span: null })).toEqual(["-2", "-1", "0", "1", "2"]);
  });

  it("of a line that dice propose are lines", () => {
    const amounts = amountsOf('face.bend("b16", rotate=20*wander(t/7), channels=0.5, seed=7)');
    expect(amounts?.values).toEqual(["-40", "-20", "0", "20", "40"]);
    expect(amounts?.lines[0]).toBe('face.bend("b16", rotate=-40*wander(t/7), channels=0.5, seed=7)');
    expect(amounts?.now).toBe(3);
    expect(amountsOf('face.blend("flowers", "b8*", amount=0.7*tri(t/3))')?.values[4]).toBe("1.4");
    expect(amountsOf('face.bend("b16", gain=1 + 0.4*sin(t))')?.lines[4]).toBe(
      'face.bend("b16", gain=1 + 0.8*sin(t))',
    );
    for (const line of ["", "face", 'face.bend("b8", blur=tri(t))', "("]) expect(amountsOf(line)).toBeNull();
  });
});
