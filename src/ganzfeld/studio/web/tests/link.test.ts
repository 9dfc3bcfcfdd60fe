import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Link, SILENCE, type Socket, TAKEN_BACK } from "../src/live/link";

class FakeSocket implements Socket {
  binaryType = "";
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  readyState = 0;
  sent: Uint8Array[] = [];
  closed = false;
  send(data: Uint8Array<ArrayBuffer>) {
    this.sent.push(data);
  }
  close() {
    this.closed = true;
  }
  /** The other end speaks. */
  speak() {
    this.readyState = 1;
    this.onmessage?.({ data: new ArrayBuffer(1) });
  }
  /** The other end goes away. */
  drop(code = 1006) {
    this.readyState = 3;
    this.onclose?.({ code });
  }
}

let sockets: FakeSocket[];
let live: boolean[];
let heard: number;
let takenBack: number;
let link: Link;
const newest = () => sockets[sockets.length - 1] as FakeSocket;

beforeEach(() => {
  vi.useFakeTimers();
  sockets = [];
  live = [];
  heard = 0;
  takenBack = 0;
  link = new Link({
    open: () => {
      sockets.push(new FakeSocket());
      return newest();
    },
    onMessage: () => {
      heard += 1;
    },
    onLive: (now) => live.push(now),
    onTakenBack: () => {
      takenBack += 1;
    },
  });
  link.connect();
});
afterEach(() => vi.useRealTimers());

describe("Link", () => {
  it("is live from the first message, and says so once", () => {
    expect(newest().binaryType).toBe("arraybuffer");
    expect(live).toEqual([]);
    newest().speak();
    newest().speak();
    expect(live).toEqual([true]);
    expect(heard).toBe(2);
  });

  it("comes back after a loss, each time at once at first", () => {
    for (let round = 1; round <= 3; round++) {
      newest().speak();
      newest().drop();
      expect(sockets).toHaveLength(round);
      vi.advanceTimersByTime(250);
      expect(sockets).toHaveLength(round + 1);
    }
    newest().speak();
    expect(live).toEqual([true, false, true, false, true, false, true]);
  });

  it("does not come back when its link was taken back", () => {
    newest().speak();
    newest().drop(TAKEN_BACK);
    vi.advanceTimersByTime(60_000);
    expect(sockets).toHaveLength(1);
    expect(takenBack).toBe(1);
  });

  it("waits longer while nobody answers, but never longer than two seconds", () => {
    const waits: number[] = [];
    for (let attempt = 0; attempt < 6; attempt++) {
      const before = Date.now();
      const count = sockets.length;
      newest().drop();
      while (sockets.length === count) vi.advanceTimersByTime(50);
      waits.push(Date.now() - before);
    }
    expect(waits).toEqual([250, 500, 1000, 2000, 2000, 2000]);
    expect(live).toEqual([]);
  });

  it("leaves a studio that fell silent, and does not listen to its late words", () => {
    newest().speak();
    const silent = newest();
    vi.advanceTimersByTime(SILENCE - 1);
    silent.speak();
    vi.advanceTimersByTime(SILENCE - 1);
    expect(live).toEqual([true]);
    vi.advanceTimersByTime(1);
    expect(live).toEqual([true, false]);
    expect(silent.closed).toBe(true);
    silent.speak();
    silent.drop();
    expect(live).toEqual([true, false]);
    vi.advanceTimersByTime(250);
    expect(sockets).toHaveLength(2);
    vi.advanceTimersByTime(SILENCE); // nor does it wait for ever on one that never opens
    vi.advanceTimersByTime(500);
    expect(sockets).toHaveLength(3);
  });

  it("sends only while somebody is there", () => {
    expect(link.send(new Uint8Array(1))).toBe(false);
    newest().speak();
    expect(link.send(new Uint8Array(1))).toBe(true);
    expect(newest().sent).toHaveLength(1);
    newest().drop();
    expect(link.send(new Uint8Array(1))).toBe(false);
  });
});
