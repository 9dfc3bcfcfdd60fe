/**
 * Small pictures of what something would do. The show does not know of them: a process of its own draws them beside it,
 * again and again, as long as somebody here looks.
 */

import type { ChangeSet } from "@codemirror/state";
import { hearAll, say } from "../live/show";
import type { AskPreviews, PreviewDrawn, PreviewVariant } from "../live/wire";
import { toWire } from "../text/document/differences";
import { atVersion } from "../text/editing";

/** What is looked at: what plays, with something else. */
export interface Variant {
  /** A change of the text as the editor holds it now; the block it is in plays then. */
  changes?: ChangeSet;
  /** What hands are to hold, by address. */
  values?: Record<string, number>;
  /** This line in the place of the one that dice propose. */
  line?: string;
}

export interface Preview {
  /** Which of the variants. */
  index: number;
  width: number;
  height: number;
  /** To be drawn at once: it is closed when the call returns. null: there is none, and `problem` says why. */
  picture: ImageBitmap | null;
  problem: string;
}

export interface Looker {
  /** Looks no more. What was looked at before this is drawn again. */
  stop(): void;
}

/** At most so many variants at once (`values/previews.py`). */
export const MOST_VARIANTS = 5;

export interface PreviewEnds {
  say(message: AskPreviews): void;
  /** Calls back with the studio's version of the document when it has all that is written; false: it is not there. */
  atVersion(call: (log: string, version: number) => void): boolean;
  decode(jpeg: Uint8Array<ArrayBuffer>): Promise<ImageBitmap>;
}

interface Asked {
  variants: readonly PreviewVariant[];
  height: number;
  onPicture: (preview: Preview) => void;
}

/** All that this page looks at. Who looked last is drawn for. */
export class Previews {
  private readonly ends: PreviewEnds;
  private readonly all: Asked[] = [];
  private request = 0;
  private waits = false;
  private hidden = false;
  /** By variant: what came last and waits to be decoded; null while one is decoded and none waits. */
  private readonly coming = new Map<number, PreviewDrawn | null>();

  constructor(ends: PreviewEnds) {
    this.ends = ends;
  }

  look(variants: readonly Variant[], height: number, onPicture: (preview: Preview) => void): Looker {
    const asked: Asked = { variants: variants.slice(0, MOST_VARIANTS).map(sent), height, onPicture };
    this.all.push(asked);
    this.send();
    return {
      stop: () => {
        const place = this.all.indexOf(asked);
        if (place < 0) return;
        const wasDrawn = place === this.all.length - 1;
        this.all.splice(place, 1);
        if (wasDrawn) this.send();
      },
    };
  }

  /** Nobody sees the page, or somebody does again: what nobody sees is not drawn. */
  hide(hidden: boolean): void {
    if (hidden === this.hidden) return;
    this.hidden = hidden;
    if (this.all.length > 0) this.send();
  }

  /** Another text plays, or the studio is back: what was asked for is asked for again. */
  again(): void {
    if (this.all.length > 0) this.send();
  }

  /** A picture came. */
  take(drawn: PreviewDrawn): void {
    if (drawn.request !== this.request) return;
    const decodes = this.coming.has(drawn.index);
    this.coming.set(drawn.index, drawn);
    if (!decodes) void this.decode(drawn.index);
  }

  private async decode(index: number): Promise<void> {
    for (let drawn = this.coming.get(index); drawn; drawn = this.coming.get(index)) {
      this.coming.set(index, null);
      const picture = drawn.jpeg.length > 0 ? await this.ends.decode(drawn.jpeg).catch(() => null) : null;
      const { request, width, height, problem } = drawn;
      if (request === this.request) this.all.at(-1)?.onPicture({ index, width, height, picture, problem });
      picture?.close();
    }
    this.coming.delete(index);
  }

  /** Asks for what was looked at last, once in a turn of the event loop. */
  private send(): void {
    if (this.waits) return;
    this.waits = true;
    queueMicrotask(() => {
      this.waits = false;
      this.request += 1;
      const asked = this.hidden ? undefined : this.all.at(-1);
      if (!asked) {
        this.ends.say({ kind: "preview", request: this.request });
        return;
      }
      const { request } = this;
      const { height, variants } = asked;
      this.ends.atVersion((log, version) => {
        if (request !== this.request) return;
        this.ends.say({ kind: "preview", request, log, version, height, variants: [...variants] });
      });
    });
  }
}

function sent({ changes, values, line }: Variant): PreviewVariant {
  return { changes: changes ? toWire(changes) : null, values: values ?? {}, line: line ?? "" };
}

const previews = new Previews({
  say,
  atVersion,
  decode: (jpeg) => createImageBitmap(new Blob([jpeg], { type: "image/jpeg" })),
});

if (typeof document !== "undefined")
  document.addEventListener("visibilitychange", () => previews.hide(document.hidden));

let played: number | null = null;

hearAll((message) => {
  if (message.kind === "previewed") previews.take(message);
  else if (message.kind === "live" && message.live) previews.again();
  else if (message.kind === "patch" && message.version !== played) {
    played = message.version;
    previews.again();
  }
});

/**
 * Draws variants of what plays, `height` pixels high (64 to 360), and calls back with each picture, several times a
 * second where there is time to spare, until it is stopped.
 */
export function preview(
  variants: readonly Variant[],
  height: number,
  onPicture: (preview: Preview) => void,
): Looker {
  return previews.look(variants, height, onPicture);
}
