import { describe, expect, it } from "vitest";
import { BANK, bankCount, bankOf } from "../src/desk/banks";
import { positionAt, typed, valueAt } from "../src/desk/curve";
import { alarmOf, masterOf } from "../src/desk/master";
import { placeAmong } from "../src/desk/order";
import { wheelStep } from "../src/desk/turning";
import type { DoorStatus, Status } from "../src/live/wire";

const door = (fields: Partial<DoorStatus>): DoorStatus => ({
  name: "wall",
  type: "window",
  to: "window:2",
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
  shown: 1,
  width: 1,
  height: 1,
  refresh: 0,
  refreshed_at: 0,
  seconds: 0,
  size: 0,
  ...fields,
});

describe("knobs", () => {
  it("stand in banks of eight, and a bank that is gone is the last one", () => {
    const knobs = Array.from({ length: 19 }, (_, k) => k);
    expect(bankCount(0)).toBe(1);
    expect(bankCount(16)).toBe(2);
    expect(bankOf(knobs, 0)).toEqual({ number: 0, shown: [0, 1, 2, 3, 4, 5, 6, 7], words: "1–8 of 19" });
    expect(bankOf(knobs, 9)).toEqual({ number: 2, shown: [16, 17, 18], words: "17–19 of 19" });
    expect(bankOf(knobs.slice(0, BANK), 1).words).toBe("1–8 of 8");
  });

  it("lie where their value lies, on every curve", () => {
    for (const range of [
      { low: -2, high: 3, curve: 1 },
      { low: 3, high: -2, curve: 1 },
      { low: 0, high: 1, curve: 2.5 },
      { low: 20, high: 20000, curve: "log" as const },
    ]) {
      for (const position of [0, 0.3, 1]) {
        expect(positionAt(range, valueAt(range, position))).toBeCloseTo(position, 6);
      }
      expect(positionAt(range, 1e9)).toBeGreaterThanOrEqual(0);
    }
    expect(positionAt({ low: 1, high: 1, curve: 1 }, 5)).toBe(0);
  });

  it.each([
    ["1.5", 1.5],
    [" −0,25 ", -0.25],
    ["1e3", 1000],
    ["", null],
    ["loud", null],
    ["1/0", null],
    ["Infinity", null],
  ])("take %s as %s", (text, value) => expect(typed(text)).toBe(value));

  it("are wheeled up by a wheel that goes up, ten times finer with Shift", () => {
    const notch = { deltaX: 0, deltaY: -100, deltaMode: 0, shiftKey: false };
    expect(wheelStep(notch)).toBeCloseTo(0.02);
    expect(wheelStep({ ...notch, deltaY: 0, deltaX: -100, shiftKey: true })).toBeCloseTo(0.002);
    expect(wheelStep({ ...notch, deltaY: 3, deltaMode: 1 })).toBeCloseTo(-0.02);
  });
});

describe("snapshots", () => {
  it("go where they are let go, in rows that are read like text", () => {
    const boxes = [0, 1, 2, 3].map((k) => ({
      left: 100 * (k % 2),
      right: 100 * (k % 2) + 90,
      top: 50 * Math.floor(k / 2),
      bottom: 50 * Math.floor(k / 2) + 40,
    }));
    expect(placeAmong([], 5, 5)).toBe(0);
    expect(placeAmong(boxes, 10, 10)).toBe(0);
    expect(placeAmong(boxes, 60, 10)).toBe(1);
    expect(placeAmong(boxes, 300, 10)).toBe(2);
    expect(placeAmong(boxes, 110, 70)).toBe(3);
    expect(placeAmong(boxes, 300, 500)).toBe(4);
  });
});

describe("the master", () => {
  const clear = { level: 1, black: 0, frozen: false };
  const status = (master = clear, doors: DoorStatus[] = []) => ({ master, doors });

  it("is quiet while everybody sees the picture", () => {
    expect(alarmOf(status())).toBeNull();
    expect(alarmOf(status({ ...clear, level: 0.3 }, [door({ level: 0.1 })]))).toBeNull();
  });

  it("says the worst that the audience sees", () => {
    expect(alarmOf(status({ ...clear, black: 1 }))?.word).toBe("Black");
    expect(alarmOf(status({ level: 1, black: 1, frozen: true }))?.word).toBe("Black, and frozen");
    expect(alarmOf(status({ ...clear, frozen: true }))?.tone).toBe("frozen");
    expect(alarmOf(status({ ...clear, level: 0 }))?.tone).toBe("black");
    const two = [door({ black: 1 }), door({ name: "td", frozen: true })];
    expect(alarmOf(status(clear, two))?.word).toBe("Black: wall");
    expect(alarmOf(status(clear, two.slice(1)))?.word).toBe("Frozen: td");
  });

  it("is a door's own where one is chosen", () => {
    const all = status({ ...clear, level: 0.5 }, [door({ black: 1 })]) as Status;
    expect(masterOf(all, null).level).toBe(0.5);
    expect(masterOf(all, "wall").black).toBe(1);
    expect(masterOf(all, "gone")).toEqual(clear);
  });
});
