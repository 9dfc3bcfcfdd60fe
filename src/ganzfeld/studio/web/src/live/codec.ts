/** Messages to bytes and back: one msgpack map each, told apart by `kind`. */

import { decode, encode } from "@msgpack/msgpack";
import { type FromPage, type FromStudio, KINDS } from "./wire";

/** Throws if these bytes are no message of the studio. A frame's `jpeg` is a view into them, not a copy. */
export function read(bytes: ArrayBuffer): FromStudio {
  const message = decode(bytes) as FromStudio;
  if (typeof message !== "object" || message === null || !KINDS.includes(message.kind)) {
    throw new Error("not a message of the studio");
  }
  return message;
}

export function write(message: FromPage): Uint8Array<ArrayBuffer> {
  return encode(message);
}
