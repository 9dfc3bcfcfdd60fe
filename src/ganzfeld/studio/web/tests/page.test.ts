import { describe, expect, it } from "vitest";
import { clock, isCrisp, milliseconds, where } from "../src/hud/numbers";
import { stateWord } from "../src/hud/State";
import { NOTHING_YET, type ShowState, withMessage } from "../src/live/show";
import type { Problem, Status } from "../src/live/wire";

const status: Status = {
  kind: "status",
  floor: null,
  phase: "playing",
  playing_version: 1,
  opened_in: 1,
  heard_version: 1,
  is_building: false,
  ready_version: 0,
  ready_beats: 0,
  worst_ms: 9,
  skipped: 0,
  dropped: 0,
  at: 0,
  beat: 2,
  speed: 1,
  follow: null,
  expected: null,
  outputs: ["out"],
  patch_name: "organ.ganz",
  fps: 60,
  rate: 60,
  division: 1,
  frame_ms: 8,
  frame: 1,
  t: 1,
  paused: false,
  width: 1,
  height: 1,
  device: "cpu",
  render_alive: true,
  patch_version: 1,
  errors: [],
  pending_trust: [],
  put_off: [],
  rolled: "",
  rolled_after: 0,
  dice_armed: false,
  osc_dropped: 0,
  osc_dropped_last: "",
  doors: [],
  master: { level: 1, black: 0, frozen: false },
  take: null,
  bpm: 120,
  halvings: 0,
};

describe("numbers", () => {
  it.each([
    [0, "0:00"],
    [59.99, "0:59"],
    [754.2, "12:34"],
    [3725, "1:02:05"],
    [-1, "0:00"],
  ])("writes %d seconds as %s", (seconds, words) => expect(clock(seconds)).toBe(words));

  it.each([
    [0.034, "0.03"],
    [0.999, "1.0"],
    [8.42, "8.4"],
    [9.99, "10"],
    [141.5, "142"],
    [Number.NaN, "–"],
  ])("writes %d ms as %s", (value, words) => expect(milliseconds(value)).toBe(words));

  it("writes where an error is", () => {
    const at = (
      file: string | null,
      line: number | null,
      column: number | null,
      address: string | null = null,
    ) => where({ what: "", hint: "", file, line, column, address } satisfies Problem);
    expect(at("/shows/organ.ganz", 7, 12)).toBe("organ.ganz:7:12");
    expect(at(null, 7, 12)).toBe("line 7:12");
    expect(at("organ.ganz", 7, null, "/face/psi")).toBe("organ.ganz:7 /face/psi");
    expect(at(null, null, null)).toBe("");
  });

  it("keeps hard edges only where a picture is much enlarged", () => {
    const window = { width: 1440, height: 900 };
    expect(isCrisp({ width: 128, height: 128 }, window, 1)).toBe(true);
    expect(isCrisp({ width: 1024, height: 1024 }, window, 2)).toBe(false);
    expect(isCrisp({ width: 1440, height: 16 }, window, 1)).toBe(false);
  });
});

describe("stateWord", () => {
  const live: ShowState = { ...NOTHING_YET, connection: "live", status };

  it("says the worst there is to say", () => {
    expect(stateWord(NOTHING_YET)?.word).toBe("connecting");
    expect(stateWord(live)).toBeNull();
    const paused = withMessage(live, { ...status, paused: true });
    expect(stateWord(paused)?.word).toBe("paused");
    const down = withMessage(paused, { ...status, paused: true, render_alive: false });
    expect(stateWord(down)?.word).toBe("render restarting");
    expect(stateWord(withMessage(down, { kind: "live", live: false }))?.word).toBe("reconnecting");
  });

  it("keeps what was known through a loss", () => {
    const lost = withMessage(live, { kind: "live", live: false });
    expect(lost.status).toBe(status);
    expect(stateWord(withMessage(lost, { kind: "live", live: true }))).toBeNull();
  });
});
