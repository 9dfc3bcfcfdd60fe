import { describe, expect, it } from "vitest";
import type { DocumentState } from "../src/live/wire";
import { entriesOf } from "../src/palette/entries";
import { fileWord, playedWord, waitWord } from "../src/text/TextState";

const facts = {
  known: true,
  unplayed: 0,
  standing: "there",
  unsent: false,
  undoes: false,
  redoes: false,
} as const;
const document: DocumentState = {
  kind: "document_state",
  log: "x",
  version: 1,
  saved: true,
  disagreements: [],
  waits: null,
  failed: null,
};
const waiting = { version: 2, phase: "waiting", beats_left: 2.25, seconds_left: 1.1 } as const;

describe("what is said beside the patch's name", () => {
  it("is what plays, or why it does not", () => {
    expect(playedWord(document, facts)).toBeNull();
    expect(playedWord(document, { ...facts, unplayed: 1 })?.what).toBe("1 line not played");
    expect(playedWord(document, { ...facts, unplayed: 3 })?.what).toBe("3 lines not played");
    expect(playedWord({ ...document, waits: waiting }, { ...facts, unplayed: 3 })?.what).toBe("in 3 beats");
    expect(playedWord({ ...document, failed: 2, waits: waiting }, facts)?.tone).toBe("trouble");
    expect(playedWord({ ...document, failed: 2 }, { ...facts, standing: "gone" })).toBeNull();
  });

  it("counts down to its bar", () => {
    expect(waitWord(waiting)).toBe("in 3 beats");
    expect(waitWord({ ...waiting, beats_left: 1 })).toBe("in 1 beat");
    expect(waitWord({ ...waiting, beats_left: 0, seconds_left: 0 })).toBe("now");
    expect(waitWord({ ...waiting, phase: "building" })).toBe("building");
  });

  it("is whether the file says the same", () => {
    expect(fileWord(document, facts).what).toBe("saved");
    expect(fileWord({ ...document, saved: false }, facts).what).toBe("not saved");
    expect(fileWord({ ...document, saved: null }, facts).what).toBe("keep …");
    expect(fileWord(document, { ...facts, unsent: true }).what).toBe("not sent yet");
    expect(fileWord(null, facts).what).toBe("no file");
  });
});

describe("the palette's entries", () => {
  it("are commands, patches to open, and nodes to insert, each by its own name", () => {
    const asked: string[] = [];
    const listed = { what: "example:organ", name: "organ", title: "Pipes.", folder: "" };
    const node = {
      name: "noise",
      doc: "Moving noise: in\nthe field's words. More of it.",
      makes: ["image"],
      parameters: [],
      methods: [],
      example: "source = noise()",
    };
    const words = {
      nodes: [node],
      functions: [],
      bends: [{ name: "rotate", doc: "Turns.", arguments: "rotate=12" }],
      names: [],
      addresses: [],
      numbers: [],
      networks: [{ node: "face", layers: ["b4", "b8", "b16"], weights: [], blends: ["flowers"] }],
      types: {},
      blending: '"*", amount=0.5',
      problem: "",
    };
    const entries = entriesOf(words, [listed], (what) => asked.push(what));
    expect(new Set(entries.map(({ group, name }) => `${group} ${name}`)).size).toBe(entries.length);
    entries.find(({ group }) => group === "open")?.run();
    expect(asked).toEqual(["example:organ"]);
    expect(entries.filter(({ group }) => group === "bend").map(({ name }) => name)).toEqual([
      "blend flowers into face",
      "rotate face",
    ]);
    expect(entries.find(({ group }) => group === "insert")?.about).toBe(
      "Moving noise: in the field's words.",
    );
  });
});
