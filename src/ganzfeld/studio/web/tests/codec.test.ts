import { decode, encode } from "@msgpack/msgpack";
import { describe, expect, it } from "vitest";
import { read, write } from "../src/live/codec";
import type { EncodedFrame } from "../src/live/wire";

const bytes = (message: unknown): ArrayBuffer => {
  const encoded = encode(message);
  return encoded.buffer.slice(encoded.byteOffset, encoded.byteOffset + encoded.byteLength) as ArrayBuffer;
};

describe("read", () => {
  it("takes a frame apart without copying its JPEG", () => {
    const whole = bytes({
      kind: "frame",
      number: 3,
      width: 2,
      height: 1,
      jpeg: new Uint8Array([255, 216, 1]),
    });
    const frame = read(whole) as EncodedFrame;
    expect([...frame.jpeg]).toEqual([255, 216, 1]);
    expect(frame.jpeg.buffer).toBe(whole);
  });

  it.each([[null], [7], ["frame"], [{}], [{ kind: "quit" }], [{ kind: 1 }]])("refuses %j", (message) => {
    expect(() => read(bytes(message))).toThrow();
  });

  it("refuses bytes that are no message", () => {
    expect(() => read(new Uint8Array([0xc1]).buffer)).toThrow();
    expect(() => read(new ArrayBuffer(0))).toThrow();
  });
});

describe("write", () => {
  it("says what the studio reads", () => {
    expect(decode(write({ kind: "ack", number: 2 ** 40 }))).toEqual({ kind: "ack", number: 2 ** 40 });
    expect(decode(write({ kind: "command", name: "trust", path: "/ü.py" }))).toEqual({
      kind: "command",
      name: "trust",
      path: "/ü.py",
    });
  });
});
