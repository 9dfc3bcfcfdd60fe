/** The live connection and the canvas, off the page's main thread: no layout or script there can hold up a frame. */

import type { Atlas } from "./atlas";
import { read, write } from "./codec";
import { Link, type Socket } from "./link";
import { Screen } from "./screen";
import type {
  AskPreviews,
  AtDesk,
  AtlasDrawn,
  AtText,
  Beat,
  DoorAction,
  EncodedAtlas,
  EncodedFrame,
  FromStudio,
  KeepAs,
  Look,
  OpenPatch,
  PageCommand,
  Refusal,
  TakeRoll,
} from "./wire";

export type ToWorker =
  | { kind: "start"; canvas: OffscreenCanvas; url: string }
  | { kind: "view"; url: string }
  | PageCommand
  | DoorAction
  | AtDesk
  | AtText
  | KeepAs
  | OpenPatch
  | Look
  | AtlasDrawn
  | AskPreviews
  | TakeRoll;

/** What this display shows: frames drawn a second, and the picture's size in pixels. */
export interface Shown {
  kind: "shown";
  fps: number;
  width: number;
  height: number;
}

export type FromWorker =
  | Exclude<FromStudio, EncodedFrame | EncodedAtlas | Beat>
  | Atlas
  | Shown
  | { kind: "live"; live: boolean }
  | { kind: "taken-back" };

const COUNT_EVERY = 500;

/** What a hand does now or not at all; texts are sent again. */
const BY_HAND = new Set<ToWorker["kind"]>([
  "command",
  "door",
  "turn",
  "snapshot",
  "learn",
  "master",
  "floor",
  "sound",
  "keep_as",
  "open",
  "take_roll",
]);
const UNHEARD: Refusal = {
  kind: "notice",
  what: "That did not reach the show, so nothing was done",
  hint: "Do it again when the page is connected",
};

const page = self as unknown as DedicatedWorkerGlobalScope;
const post = (message: FromWorker) => page.postMessage(message);

let link: Link | undefined;
let address = "";

page.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  if (data.kind === "start") start(data.canvas, data.url);
  else if (data.kind === "view") {
    address = data.url;
    link?.renew();
  } else if (!link?.send(write(data)) && BY_HAND.has(data.kind)) post(UNHEARD);
};

/** Decodes an atlas for the page; one that cannot be is passed over. */
async function unpack({ jpeg, ...rest }: EncodedAtlas): Promise<void> {
  try {
    const picture = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
    page.postMessage({ ...rest, picture } satisfies Atlas, [picture]);
  } catch {
    link?.send(write({ kind: "drawn", number: rest.number }));
  }
}

function start(canvas: OffscreenCanvas, url: string): void {
  address = url;
  const context = canvas.getContext("2d", { alpha: false });
  let drawn = 0;
  let empty = true;

  const screen = new Screen<ImageBitmap>({
    decode: ({ jpeg }) => createImageBitmap(new Blob([jpeg], { type: "image/jpeg" })),
    draw(picture, frame) {
      if (empty || canvas.width !== frame.width || canvas.height !== frame.height) {
        empty = false;
        canvas.width = frame.width;
        canvas.height = frame.height;
        post({ kind: "shown", fps: 0, width: frame.width, height: frame.height });
      }
      context?.drawImage(picture, 0, 0);
      drawn += 1;
    },
    beforeRefresh: (call) => page.requestAnimationFrame(call),
    acknowledge: (number) => link?.send(write({ kind: "ack", number })),
  });

  link = new Link({
    open: () => new WebSocket(address) as unknown as Socket,
    onLive: (live) => post({ kind: "live", live }),
    onTakenBack: () => post({ kind: "taken-back" }),
    onMessage(data) {
      const message = read(data);
      if (message.kind === "frame") screen.take(message);
      else if (message.kind === "atlas") void unpack(message);
      else if (message.kind !== "beat") post(message);
    },
  });
  link.connect();

  let since = performance.now();
  setInterval(() => {
    const now = performance.now();
    const fps = (drawn * 1000) / (now - since);
    drawn = 0;
    since = now;
    if (!empty) post({ kind: "shown", fps, width: canvas.width, height: canvas.height });
  }, COUNT_EVERY);
}
