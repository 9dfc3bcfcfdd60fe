import { CompletionContext } from "@codemirror/autocomplete";
import { EditorState } from "@codemirror/state";
import { describe, expect, it } from "vitest";
import type { Words } from "../src/live/wire";
import { fitting } from "../src/palette/matching";
import { afterNode } from "../src/text/inserting";
import { patchLanguage } from "../src/text/language";
import { completing } from "../src/text/looking/completing";
import { explain } from "../src/text/looking/explaining";
import { callAt, quotesAt, wordAt } from "../src/text/looking/place";
import { points, valueWords } from "../src/text/looking/trace";

const parameter = (name: string, more = {}) => ({
  name,
  kind: "value",
  doc: `About ${name}.`,
  default: "1",
  range: [-1, 2] as [number, number],
  unit: "",
  options: [] as string[],
  ...more,
});

const WORDS: Words = {
  nodes: [
    {
      name: "network",
      doc: "Play a trained network.\n\nMore of it.",
      makes: ["image"],
      parameters: [
        parameter("file", { options: ['"planets"', '"flowers"'], range: null, kind: "choice" }),
        parameter("latent", { kind: "input", range: null, default: "" }),
        parameter("psi"),
      ],
      methods: [
        {
          name: "bend",
          doc: "Bend it.",
          parameters: [parameter("target"), parameter("fold"), parameter("rotate")],
        },
      ],
      example: 'face = network("planets")',
    },
    {
      name: "noise",
      doc: "Noise.",
      makes: ["image", "latent"],
      parameters: [parameter("type", { options: ['"simplex2d"', '"random"'] })],
      methods: [],
      example: "source = noise()",
    },
  ],
  bends: [],
  functions: [
    {
      name: "wander",
      group: "g",
      signature: "wander(x)",
      doc: "Wanders.",
      example: "wander(t)",
      called: true,
    },
    {
      name: "audio.level",
      group: "g",
      signature: "audio.level",
      doc: "How loud.",
      example: "audio.level",
      called: false,
    },
  ],
  names: [{ name: "beat", doc: "Beats." }],
  addresses: [
    {
      address: "/face/psi",
      reference: "face.psi",
      kind: "value",
      doc: "About psi.",
      range: "-1 … 2",
      unit: "",
      default: "1",
    },
    {
      address: "/face/fold/fold",
      reference: "face.fold.fold",
      kind: "value",
      doc: "",
      range: "",
      unit: "",
      default: "",
    },
    {
      address: "/push",
      reference: "push",
      kind: "knob",
      doc: "A knob",
      range: "0 … 1",
      unit: "",
      default: "0",
    },
  ],
  numbers: [],
  networks: [
    { node: "face", layers: ["b4", "b8.conv0"], weights: ["synthesis.b4.const"], blends: ["flowers"] },
  ],
  types: { face: "network", source: "noise" },
  blending: '"*", amount=0.5',
  problem: "",
};

/** A state, and the place of the bar in its text. */
function at(text: string): { state: EditorState; place: number } {
  const place = text.indexOf("|");
  return { state: EditorState.create({ doc: text.replace("|", ""), extensions: patchLanguage }), place };
}

function offered(text: string): string[] {
  const { state, place } = at(text);
  const found = completing(() => WORDS)(new CompletionContext(state, place, true));
  return (found?.options ?? []).map(({ label }) => label);
}

describe("a place in the text", () => {
  it.each([
    ["face = network(|", { name: "network", given: [], argument: 0 }],
    ['face = network("planets", psi=0.5, |', { name: "network", given: ["psi"], argument: 2 }],
    ['face = network("planets", psi=|, latent=x)', { name: "network", given: ["latent"], argument: "psi" }],
    ["x = noise(tx=sin(|))", { name: "sin", given: [], argument: 0 }],
    ["face.bend('b4', |)", { name: "face.bend", given: [], argument: 1 }],
    ["x = noise()|", null],
    ["x = |", null],
  ])("in %j is in the call %o", (text, call) => {
    const { state, place } = at(text);
    expect(callAt(state, place)).toEqual(call);
  });

  it.each([
    ['network("pla|', "pla"],
    ["network('|'", ""],
    ['network("planets"|', null],
    ["network(|", null],
  ])("in %j is in the quotes %j", (text, written) => {
    const { state, place } = at(text);
    expect(quotesAt(state, place)?.written ?? null).toBe(written);
  });

  it("finds dotted words", () => {
    const { state, place } = at("x = 2*audio.lev|el + 1");
    expect(wordAt(state, place)?.word).toBe("audio.level");
    expect(wordAt(state, 5)).toBeNull();
  });
});

describe("afterNode", () => {
  const placeIn = (doc: string, node: string) => {
    const state = EditorState.create({ doc, extensions: patchLanguage });
    const place = afterNode(state, node);
    return place === null ? null : state.doc.lineAt(place).number;
  };

  it("is below the last line that makes a node or bends it", () => {
    const text =
      'face = network("planets",\n  psi=1)\nface.bend("b4", x=1)  # so\n\nfaces = noise()\nout(face)\n';
    expect(placeIn(text, "face")).toBe(3);
    expect(placeIn(text, "faces")).toBe(5);
    expect(placeIn(text, "out")).toBeNull();
    expect(placeIn("face = network(\n", "face")).toBe(2); // not closed: it goes on
    expect(placeIn("", "face")).toBeNull();
  });
});

describe("completing", () => {
  it("offers nodes, functions, names and what the patch has", () => {
    expect(offered("x = |")).toEqual(
      expect.arrayContaining(["network", "noise", "wander", "beat", "face", "source", "push"]),
    );
  });

  it("offers names that are written and do not play yet", () => {
    expect(offered("later = noise()\nx = la|")).toContain("later");
  });

  it("offers parameters that are not given yet", () => {
    const found = offered('face = network("planets", psi=1, |)');
    expect(found).toContain("latent");
    expect(found).not.toContain("psi");
    expect(offered('face.bend("b4", |)')).toContain("fold");
  });

  it("offers what may be chosen, in quotes and without", () => {
    expect(offered('face = network("|")')).toEqual(["planets", "flowers"]);
    expect(offered("source = noise(type=|)")).toContain('"random"');
  });

  it("offers layers and weights of the very network", () => {
    expect(offered('face.bend("|")')).toEqual(["b4", "b8.conv0", "synthesis.b4.const"]);
    expect(offered('face.bend("b4 |")')).toContain("b8.conv0");
  });

  it("offers lines, parameters and dotted functions after a dot", () => {
    expect(offered("face.|")).toEqual(["face.bend", "face.psi", "face.fold.fold"]);
    expect(offered("x = audio.|")).toEqual(["audio.level"]);
  });

  it("keeps out of comments, and offers nothing before anything is known", () => {
    expect(offered("# face.|")).toEqual([]);
    const { state, place } = at("x = |");
    expect(completing(() => null)(new CompletionContext(state, place, true))).toBeNull();
  });
});

describe("explain", () => {
  const of = (text: string) => {
    const { state, place } = at(text);
    return explain(WORDS, state, place);
  };

  it("tells of parameters, with the address whose value is shown", () => {
    expect(of('face = network("planets", p|si=0.5)')).toMatchObject({
      title: "psi",
      detail: "-1 … 2, default 1",
      doc: "About psi.",
      address: "/face/psi",
    });
    expect(of('face.bend("b4", fo|ld=1)')?.address).toBe("/face/fold/fold");
  });

  it("tells of nodes, functions, names and knobs", () => {
    expect(of("x = net|work()")).toMatchObject({ title: "network", doc: "Play a trained network." });
    expect(of("x = wan|der(t)")?.title).toBe("wander(x)");
    expect(of("x = be|at")?.doc).toBe("Beats.");
    expect(of("x = 2*pu|sh")?.address).toBe("/push");
    expect(of("x = audio.le|vel")?.doc).toBe("How loud.");
  });

  it("says nothing in comments, in quotes, and of what it does not know", () => {
    for (const text of ["# net|work", 'x = network("net|work")', "x = what|ever", "1|2"])
      expect(of(text)).toBeNull();
  });
});

describe("a trace", () => {
  it("is a line in its box", () => {
    expect(points([0, 1], 59, 10)).toBe("0.0,10.0 1.0,0.0");
    expect(points([5, 5], 59, 10)).toBe("0.0,5.0 1.0,5.0");
    expect(points([], 59, 10)).toBe("");
  });

  it("has its value in words", () => {
    expect([0.1 + 0.2, Number.NaN, [1, 2, 3, 4, 5], "b4", null].map(valueWords)).toEqual([
      "0.3",
      "–",
      "1, 2, 3, 4, …",
      '"b4"',
      "",
    ]);
  });
});

describe("the palette", () => {
  const entries = ["roll dice", "noise", "hold noise", "dice"].map((name) => ({
    name,
    group: "do",
    about: "",
  }));

  it("finds what has every word, beginnings first", () => {
    expect(fitting(entries, "noi").map(({ name }) => name)).toEqual(["noise", "hold noise"]);
    expect(fitting(entries, "dice roll").map(({ name }) => name)).toEqual(["roll dice"]);
    expect(fitting(entries, "zzz")).toEqual([]);
    expect(fitting(entries, " ")).toEqual(entries);
  });
});
