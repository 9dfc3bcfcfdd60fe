import { ChangeSet, EditorState, Text, type Transaction } from "@codemirror/state";
import { describe, expect, it } from "vitest";
import type { AtText, Changes, DocumentText, DocumentUpdates, PushUpdates, Update } from "../src/live/wire";
import { DocumentConnection } from "../src/text/document/connection";
import { changesBetween } from "../src/text/document/differences";
import { parsed, type Shelf, type Unsent } from "../src/text/document/shelf";
import { wholeCharacters } from "../src/text/pairs";

/** Numbers that are the same on every run. */
function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Whether a text has no half of a character. */
const isWhole = (text: string) => !/\p{Surrogate}/u.test(text);

/** The studio's document: takes pushes at its own version only. */
class Authority {
  log = "log-1";
  first: Text;
  updates: Update[] = [];
  /** Versions before this one are forgotten. */
  from = 0;

  constructor(text: string) {
    this.first = Text.of(text.split("\n"));
  }

  get version() {
    return this.from + this.updates.length;
  }

  get text(): string {
    return this.updates
      .reduce((text, { changes }) => ChangeSet.fromJSON(changes).apply(text), this.first)
      .toString();
  }

  document(): DocumentText {
    const { log, version, text, from } = this;
    return {
      kind: "document",
      log,
      version,
      first: from,
      reset: false,
      name: "organ.ganz",
      text,
      file: "/shows/organ.ganz",
    };
  }

  since(version: number): DocumentUpdates {
    return {
      kind: "updates",
      log: this.log,
      since: version,
      updates: this.updates.slice(version - this.from),
    };
  }

  take(push: PushUpdates): DocumentUpdates | DocumentText | null {
    if (push.log !== this.log || push.version > this.version || push.version < this.from)
      return { ...this.document(), reset: true };
    if (push.version === this.version)
      for (const { changes, what } of push.updates ?? [])
        this.updates.push({ client: push.client, changes, what });
    return push.version === this.version ? null : this.since(push.version);
  }

  /** A writer's edits of a text that the log does not know. */
  merge({ client, base, changes }: Extract<AtText, { kind: "merge" }>): void {
    const between = changesBetween(Text.of(base.split("\n")), this.text);
    const moved = ChangeSet.fromJSON(changes).map(between);
    this.updates.push({ client, changes: moved.toJSON() as Changes, what: "merge" });
  }

  forget(): void {
    this.first = Text.of(this.text.split("\n"));
    this.from = this.version;
    this.updates = [];
  }
}

class Drawer implements Shelf {
  kept: Unsent | null = null;
  read() {
    return this.kept;
  }
  keep(unsent: Unsent) {
    this.kept = parsed(JSON.stringify(unsent));
  }
  clear() {
    this.kept = null;
  }
}

/** A page with a line to the studio that can be held up and cut. */
class Page {
  state: EditorState;
  readonly connection: DocumentConnection;
  readonly shelf: Drawer;
  toStudio: AtText[] = [];
  toPage: (DocumentText | DocumentUpdates)[] = [];
  live = false;

  constructor(client: string, shelf = new Drawer()) {
    this.shelf = shelf;
    this.connection = new DocumentConnection(
      {
        state: () => this.state,
        dispatch: (change) => {
          this.state =
            "startState" in change ? (change as Transaction).state : this.state.update(change).state;
        },
        say: (message) => this.toStudio.push(message),
        shelf,
      },
      client,
    );
    this.state = EditorState.create({ extensions: [wholeCharacters, this.connection.extension] });
  }

  get text(): string {
    return this.state.doc.toString();
  }

  connect(studio: Authority): void {
    this.live = true;
    this.connection.setLive(true);
    this.toPage.push(studio.document());
  }

  cut(): void {
    this.live = false;
    this.toStudio = [];
    this.toPage = [];
    this.connection.setLive(false);
  }

  type(from: number, to: number, insert: string): void {
    this.state = this.state.update({ changes: { from, to, insert } }).state;
    this.connection.typed();
  }

  hear(): boolean {
    const message = this.toPage.shift();
    if (message?.kind === "document") this.connection.takeDocument(message);
    else if (message) this.connection.takeUpdates(message);
    return message !== undefined;
  }
}

/** One message of a page reaches the studio; everybody hears what follows from it. */
function deliver(page: Page, studio: Authority, pages: Page[]): boolean {
  const message = page.toStudio.shift();
  if (message?.kind === "push") {
    const before = studio.version;
    const answer = studio.take(message);
    if (answer) page.toPage.push(answer);
    tellOthers(studio, before, page, pages);
  } else if (message?.kind === "merge") {
    const before = studio.version;
    studio.merge(message);
    tellOthers(studio, before, null, pages);
  }
  return message !== undefined;
}

function tellOthers(studio: Authority, before: number, but: Page | null, pages: Page[]): void {
  if (studio.version === before) return;
  for (const other of pages) if (other !== but && other.live) other.toPage.push(studio.since(before));
}

function settle(studio: Authority, pages: Page[]): void {
  for (let round = 0; round < 1000; round++) {
    const moved = pages.map((page) => [deliver(page, studio, pages), page.hear()].some(Boolean));
    if (!moved.some(Boolean)) return;
  }
  throw new Error("it never came to rest");
}

const START = 'a = noise()\nface = network("planets", latent=a)\nout(face) # 😀\n';

describe("DocumentConnection", () => {
  it("takes the text on joining, and sends what is typed", () => {
    const studio = new Authority(START);
    const page = new Page("one");
    page.connect(studio);
    page.hear();
    expect(page.text).toBe(START);
    page.type(0, 0, "b");
    expect(page.connection.hasUnsent).toBe(true);
    expect(page.shelf.kept?.base).toBe(START);
    settle(studio, [page]);
    expect(studio.text).toBe(`b${START}`);
    expect(page.connection.hasUnsent).toBe(false);
    expect(page.shelf.kept).toBeNull();
  });

  it("calls back only when the studio has all of it", () => {
    const studio = new Authority(START);
    const page = new Page("one");
    page.connect(studio);
    page.hear();
    const played: string[] = [];
    page.type(0, 0, "x");
    page.connection.whenSent(() => played.push(studio.text));
    expect(played).toEqual([]);
    settle(studio, [page]);
    page.connection.whenSent(() => played.push("at once"));
    expect(played).toEqual([`x${START}`, "at once"]);
  });

  it("comes back after a loss, also if its last push had arrived and the answer had not", () => {
    const studio = new Authority(START);
    const page = new Page("one");
    page.connect(studio);
    page.hear();
    page.type(0, 0, "1");
    deliver(page, studio, [page]);
    page.cut();
    page.type(1, 1, "2");
    studio.updates.push({ client: "two", changes: [START.length + 1, [0, "end"]], what: "typed" });
    page.connect(studio);
    settle(studio, [page]);
    expect(studio.text).toBe(`12${START}end`);
    expect(page.text).toBe(studio.text);
  });

  it("is reloaded with what was not sent", () => {
    const studio = new Authority(START);
    const page = new Page("one");
    page.connect(studio);
    page.hear();
    page.type(0, 0, "kept ");
    deliver(page, studio, [page]); // it arrived, but the page does not know
    page.type(5, 5, "too ");
    const reloaded = new Page("another", page.shelf);
    reloaded.connect(studio);
    settle(studio, [reloaded]);
    expect(reloaded.text).toBe(`kept too ${START}`);
    expect(studio.text).toBe(reloaded.text);
  });

  it.each([
    ["forgot its beginnings", (studio: Authority) => studio.forget()],
    [
      "has another log",
      (studio: Authority) => {
        studio.log = "log-2";
        studio.forget();
        studio.from = 0;
      },
    ],
  ])("merges what was not sent into a studio that %s", (_, change) => {
    const studio = new Authority(START);
    const page = new Page("one");
    page.connect(studio);
    page.hear();
    page.cut();
    page.type(0, 0, "mine ");
    studio.updates.push({ client: "two", changes: [START.length, [0, "theirs"]], what: "typed" });
    change(studio);
    page.connect(studio);
    settle(studio, [page]);
    expect(studio.text).toBe(`mine ${START}theirs`);
    expect(page.text).toBe(studio.text);
  });

  it("gives a studio that lost the last moments what was confirmed in them", () => {
    const studio = new Authority(START);
    const page = new Page("one");
    page.connect(studio);
    page.hear();
    for (const letter of ["a", "b", "c"]) {
      page.type(0, 0, letter);
      settle(studio, [page]);
    }
    page.type(0, 0, "d");
    page.cut();
    studio.updates.length = 1;
    page.connect(studio);
    settle(studio, [page]);
    expect(studio.text).toBe(`dcba${START}`);
    expect(page.text).toBe(studio.text);
  });

  it("does not mix another patch's unsent edits in", () => {
    const shelf = new Drawer();
    shelf.kept = {
      log: "old",
      patch: "/shows/other.ganz",
      version: 3,
      client: "one",
      base: "x\n",
      changes: [[2, [0, "y"]]],
    };
    const studio = new Authority(START);
    const page = new Page("one", shelf);
    page.connect(studio);
    settle(studio, [page]);
    expect(page.text).toBe(START);
    expect(studio.text).toBe(START);
  });

  it("asks for the whole text where changes do not fit", () => {
    const studio = new Authority(START);
    const page = new Page("one");
    page.connect(studio);
    page.hear();
    page.type(0, 0, "mine ");
    page.toPage.push({
      kind: "updates",
      log: studio.log,
      since: 0,
      updates: [{ client: "", changes: [3], what: "file" }],
    });
    settle(studio, [page]);
    expect(studio.text).toContain("mine");
    expect(page.text).toBe(studio.text);
  });

  it("cuts a long push in messages that the studio takes", () => {
    const studio = new Authority(START);
    const page = new Page("one");
    page.connect(studio);
    page.hear();
    for (let each = 0; each < 5; each++) page.type(0, 0, "x".repeat(20_000));
    expect(
      page.toStudio.map((message) => JSON.stringify(message).length).every((size) => size < 64_000),
    ).toBe(true);
    settle(studio, [page]);
    expect(studio.text.length).toBe(100_000 + START.length);
  });

  it("loses no keystroke, whatever comes in which order", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = randomOf(seed);
      const below = (limit: number) => Math.floor(random() * limit);
      const studio = new Authority(START);
      const pages = [new Page("one"), new Page("two"), new Page("three")];
      for (const page of pages) page.connect(studio);
      const typed: string[] = [];
      for (let step = 0; step < 120; step++) {
        const number = below(3);
        const page = pages[number] as Page;
        const what = below(20);
        if (what < 8 && page.connection.log !== "") {
          // Each keystroke is one of its kind, and nobody deletes: so each has to be there at the end.
          const mark = `${"①②③"[number]}${String.fromCodePoint(0x1f300 + step)}`;
          typed.push(mark);
          const place = below(page.state.doc.length + 1);
          page.type(place, place, mark);
        } else if (what < 13) deliver(page, studio, pages);
        else if (what < 18) page.hear();
        else if (what === 18) page.cut();
        else if (!page.live) page.connect(studio);
        else if (below(4) === 0 && page.connection.log !== "") {
          const reloaded = new Page(`reloaded-${step}`, page.shelf);
          pages[number] = reloaded;
          reloaded.connect(studio);
        }
      }
      for (const page of pages) if (!page.live) page.connect(studio);
      settle(studio, pages);
      for (const page of pages) expect(page.text, `seed ${seed}`).toBe(studio.text);
      for (const mark of typed) {
        const count = [...studio.text].filter((each) => each === [...mark][1]).length;
        expect(count, `seed ${seed}: ${mark}`).toBe(1);
      }
    }
  });

  it("comes to the same text when writers delete what others type", () => {
    for (let seed = 1; seed <= 60; seed++) {
      const random = randomOf(seed * 77);
      const below = (limit: number) => Math.floor(random() * limit);
      const studio = new Authority(START);
      const pages = [new Page("one"), new Page("two")];
      for (const page of pages) page.connect(studio);
      for (let step = 0; step < 100; step++) {
        const page = pages[below(2)] as Page;
        const what = below(20);
        if (what < 8 && page.connection.log !== "") {
          const from = below(page.state.doc.length + 1);
          const to = Math.min(from + below(6), page.state.doc.length);
          page.type(from, to, ["", "x", "😀", "a\nb"][below(4)] ?? "");
        } else if (what < 13) deliver(page, studio, pages);
        else if (what < 18) page.hear();
        else if (page.live) page.cut();
        else page.connect(studio);
      }
      for (const page of pages) if (!page.live) page.connect(studio);
      settle(studio, pages);
      for (const page of pages) expect(page.text, `seed ${seed}`).toBe(studio.text);
      expect(isWhole(studio.text)).toBe(true);
    }
  });
});

describe("changesBetween", () => {
  it("makes the other text, in whole characters", () => {
    for (const [before, after] of [
      ["a😀b", "a😁b"],
      ["", "x\ny"],
      ["x\r", "x\ny"],
      ["one\ntwo", ""],
      ["😀😀", "😀"],
    ] as const) {
      const text = Text.of(before.split("\n"));
      const changes = changesBetween(text, after);
      expect(changes.apply(text).toString()).toBe(after);
      changes.iterChanges((fromA, toA, _fromB, _toB, inserted) => {
        expect(isWhole(inserted.toString())).toBe(true);
        expect(isWhole(before.slice(fromA, toA))).toBe(true);
      });
    }
  });
});

describe("what lies on the shelf", () => {
  it("is read only as this page writes it", () => {
    for (const text of [
      null,
      "",
      "{",
      "null",
      "[]",
      '{"log":"x"}',
      '{"log":1,"patch":"","client":"","base":"","version":0,"changes":[]}',
    ])
      expect(parsed(text)).toBeNull();
  });
});
