import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { LASTS, STAYS, steadied } from "../src/hud/steady";
import { remarks } from "../src/hud/words";
import { liveAddress, searchOf, viewOf } from "../src/live/view";
import type { Arrival, DoorKindHere, DoorStatus } from "../src/live/wire";
import { controlOf, expressionOf, ordered, rateWords } from "../src/panels/arrivals";
import { summary } from "../src/panels/Check";
import { imageOf } from "../src/panels/Links";
import { firstSentence, offersOf, written } from "../src/panels/offers";
import { panelIn } from "../src/panels/open";
import {
  doorWords,
  filmsKept,
  filmsMade,
  isInTrouble,
  lengthAndSize,
  recordingOf,
  size,
} from "../src/panels/recording";
import { decibelsAt, heightOf } from "../src/panels/spectrum";

const film = {
  name: "record",
  type: "film",
  to: "film:a.mp4",
  picture: "",
  state: "open",
  problem: null,
  restarts: 0,
  again_in: 0,
  level: 1,
  black: 0,
  frozen: false,
  note: "",
  fps: 60,
  shown: 5,
  width: 64,
  height: 48,
  refresh: 0,
  refreshed_at: 0,
  seconds: 75,
  size: 3_400_000,
} satisfies DoorStatus;

describe("a recording", () => {
  it("is red with time and size while a film is made", () => {
    expect(recordingOf({ doors: [film] })).toEqual({
      door: "record",
      seconds: 75,
      bytes: 3_400_000,
      problem: null,
    });
    expect(recordingOf({ doors: [{ ...film, state: "waiting" }] }).door).toBeNull();
    expect(recordingOf({ doors: [{ ...film, type: "window" }] }).door).toBeNull();
    const full = {
      ...film,
      state: "ended" as const,
      problem: { what: "full", hint: "", file: null, line: null, column: null, address: null },
    };
    expect(recordingOf({ doors: [full] })).toMatchObject({ door: null, problem: "full" });
    expect(isInTrouble(full)).toBe(true);
  });

  it.each([
    [500, "1 kB"],
    [640_000, "640 kB"],
    [3_400_000, "3.4 MB"],
    [48_000_000, "48 MB"],
    [1_230_000_000, "1.2 GB"],
  ])("writes %d bytes as %s", (bytes, words) => expect(size(bytes)).toBe(words));

  it("says how a door is in words", () => {
    expect(lengthAndSize({ seconds: 12, bytes: 0 })).toBe("0:12");
    expect(doorWords(film)).toBe("records · 60 pictures a second · 64×48 · 1:15 · 3.4 MB");
    expect(doorWords({ ...film, state: "waiting", note: "the display 'DELL'" })).toBe(
      "waits for the display 'DELL'",
    );
    expect(doorWords({ ...film, state: "failed", again_in: 3.2 })).toBe("failed; tries again in 4 s");
  });
});

describe("what can be opened", () => {
  const kind: DoorKindHere = {
    kind: "window",
    about: "Pictures over a whole display, on\nits beat.\n\nThe target is the number.",
    options: "",
    alpha: ["opaque"],
    found: ["window:2  DELL U2720Q, 3840 × 2160", "codec=h264  plays everywhere", "a remark"],
    missing: "",
    mend: "",
  };
  it("is what was found and looks like a door", () => {
    expect(offersOf(kind)).toEqual([{ to: "window:2", about: "DELL U2720Q, 3840 × 2160" }]);
    expect(firstSentence(kind.about)).toBe("Pictures over a whole display, on its beat.");
  });
  it("is written as on the command line", () => {
    expect(written("wall", "window", "DELL")).toBe("wall=window:DELL");
    expect(written("", "shared", " ")).toBe("shared");
    expect(written("", "film", "a, b.mp4")).toBe('film:"a, b.mp4"');
  });
});

describe("what arrives", () => {
  const at = (fields: Partial<Arrival>): Arrival => ({
    source: "midi",
    address: "/midi/cc/1/74",
    value: "0.5",
    rate: 0,
    ago: 0,
    ...fields,
  });
  it("is named as a patch and a lesson name it", () => {
    expect([expressionOf(at({})), controlOf(at({}))]).toEqual(["cc(1, 74)", "cc 1/74"]);
    const osc = at({ source: "osc", address: '/a"b' });
    expect([expressionOf(osc), controlOf(osc)]).toEqual(['osc("/a\\"b")', null]);
    expect(expressionOf(at({ address: "/midi/clock/bpm" }))).toBeNull();
  });
  it("stands in an order that does not jump", () => {
    const some = [
      at({ address: "/midi/cc/1/10" }),
      at({ address: "/midi/cc/1/9", ago: 20 }),
      at({ source: "osc", address: "/old", ago: 99 }),
      at({ address: "/midi/old", ago: 60 }),
    ];
    expect(ordered(some).map((each) => each.address)).toEqual([
      "/midi/cc/1/9",
      "/midi/cc/1/10",
      "/midi/old",
      "/old",
    ]);
    expect(some.map(rateWords)).toEqual(["now", "20 s ago", "1 min ago", "1 min ago"]);
    expect(rateWords(at({ rate: 60 }))).toBe("60 a second");
  });
});

describe("numbers in words", () => {
  const well = {
    fps: 60,
    rate: 60,
    division: 1,
    frame_ms: 8,
    paused: false,
    halvings: 0,
    device: "cpu",
    osc_dropped: 0,
    osc_dropped_last: "",
  };
  it("says nothing while all is well, and what each means while it is not", () => {
    expect(remarks(well, { fps: 59 })).toEqual([]);
    expect(remarks({ ...well, fps: 3, frame_ms: 1005 }, null)).toEqual([
      { about: "slow", says: "slow: cpu takes 1.0 s for a picture" },
    ]);
    expect(remarks(well, { fps: 24 })).toEqual([
      { about: "behind", says: "this window shows 24 of 60 a second" },
    ]);
    expect(remarks({ ...well, paused: true }, { fps: 1 })).toEqual([]);
    expect(remarks({ ...well, halvings: 2 }, null)[0]?.says).toContain("1/4");
    expect(remarks({ ...well, fps: 29, division: 2 }, null)).toEqual([
      { about: "even", says: "evenly at 30 of 60 a second" },
    ]);
    expect(remarks({ ...well, osc_dropped: 1, osc_dropped_last: "/x: odd" }, null)[0]?.says).toBe(
      "1 message of OSC could not be read; the last: /x: odd",
    );
  });
  it("sums up what was looked at", () => {
    expect(summary([{ name: "a", state: "works", found: "", do: "" }])).toBe("All of it works.");
    expect(summary([{ name: "a", state: "missing", found: "", do: "" }])).toBe(
      "1 missing; the show plays without.",
    );
  });
});

describe("the picture's size and rate", () => {
  it("is in the page's address, and a phone that asks for nothing asks for little", () => {
    expect(viewOf("?height=640&fps=x")).toEqual({ height: 640, fps: null });
    expect(searchOf("?name=wall", { height: 480, fps: 15 })).toBe("name=wall&height=480&fps=15");
    expect(searchOf("?height=480&fps=15", { height: null, fps: null })).toBe("");
    expect(liveAddress("http://a:1/?x=1#doors", true)).toBe("ws://a:1/live?x=1&height=480&fps=15");
    expect(liveAddress("http://a:1/?height=720", true)).toBe("ws://a:1/live?height=720");
    expect(liveAddress("http://a:1/", false)).toBe("ws://a:1/live");
  });
  it("a QR code is an image, whatever is in it", () => {
    expect(imageOf('<svg onload="x()">#&</svg>')).toBe(
      "data:image/svg+xml,%3Csvg%20onload%3D%22x()%22%3E%23%26%3C%2Fsvg%3E",
    );
  });

  it("panels are opened by their name", () => {
    expect([panelIn("#doors"), panelIn("#else"), panelIn("")]).toEqual(["doors", null, null]);
  });
  it("a floor is dragged where it is drawn", () => {
    expect(decibelsAt(heightOf(-37, 200), 200)).toBe(-37);
    expect([decibelsAt(-5, 200), decibelsAt(500, 200)]).toEqual([-0, -100]);
  });
});

describe("words over a picture", () => {
  const css = readFileSync("src/studio.css", "utf8");
  const colour = (name: string): [number, number, number, number] => {
    const text = new RegExp(`--${name}: ([^;]+);`).exec(css)?.[1] ?? "";
    const hex = /^#(..)(..)(..)$/.exec(text);
    if (hex) return [1, 2, 3].map((k) => Number.parseInt(hex[k] ?? "", 16)).concat(1) as never;
    return (text.match(/[\d.]+/g) ?? []).map(Number) as never;
  };
  const over = (top: number[], below: number[]) =>
    [0, 1, 2].map((k) => (top[k] ?? 0) * (top[3] ?? 1) + (below[k] ?? 0) * (1 - (top[3] ?? 1)));
  const luminance = (rgb: number[]) => {
    const [r, g, b] = rgb.map((value) => {
      const share = value / 255;
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);
  };
  const contrast = (ink: string, ground: number[]) => {
    const [a, b] = [luminance(over(colour(ink), ground)), luminance(ground)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  };

  it.each(["ink", "faint", "amber", "red"])(
    "%s can be read on the veil, over white and over black",
    (ink) => {
      for (const picture of [
        [255, 255, 255],
        [0, 0, 0],
      ]) {
        expect(contrast(ink, over(colour("veil"), picture))).toBeGreaterThan(4.5);
      }
    },
  );
});

describe("remarks that come and go", () => {
  const behind = { about: "behind", says: "this window shows 4 of 5 a second" } as const;
  const shown = (kept: ReturnType<typeof steadied>) => kept.filter((each) => each.isShown).length;
  it("are shown once they have lasted, and stay for a while", () => {
    let kept = steadied([], [behind], 0);
    kept = steadied(kept, [behind], LASTS - 1);
    expect(shown(kept)).toBe(0);
    kept = steadied(kept, [{ ...behind, says: "this window shows 3 of 5 a second" }], LASTS);
    expect(shown(kept)).toBe(1);
    expect(kept[0]?.says).toContain("3 of 5");
    kept = steadied(kept, [], LASTS + STAYS - 1);
    expect(shown(kept)).toBe(1);
    expect(steadied(kept, [], LASTS + STAYS)).toEqual([]);
  });
  it("are not shown while they only flicker", () => {
    let kept = steadied([], [], 0);
    for (let now = 0; now < 20_000; now += 500) kept = steadied(kept, now % 2000 < 1000 ? [behind] : [], now);
    expect(shown(kept)).toBe(0);
  });
});

describe("a film that has ended", () => {
  const made = { ...film, note: "/shows/a (b)/night-2.mp4 (h264, yuv420p)" } as DoorStatus;
  const before = filmsMade([made]);
  it("is at the path that its door told", () => {
    expect(before).toEqual(new Map([["record", "/shows/a (b)/night-2.mp4"]]));
    const waits = { ...made, state: "waiting", seconds: 0, note: "the command start" } as DoorStatus;
    expect(filmsKept(before, filmsMade([waits]), [waits])).toEqual(["/shows/a (b)/night-2.mp4"]);
    expect(filmsKept(before, new Map(), [])).toEqual(["/shows/a (b)/night-2.mp4"]);
  });
  it("is not told of while it is made, or if it failed", () => {
    expect(filmsKept(before, before, [made])).toEqual([]);
    const failed = { ...made, state: "failed", problem: { what: "the disk is full" } } as DoorStatus;
    expect(filmsKept(before, filmsMade([failed]), [failed])).toEqual([]);
  });
});
