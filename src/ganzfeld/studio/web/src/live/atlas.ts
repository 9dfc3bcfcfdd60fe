/**
 * What this page looks at beside the picture: nodes, layers, channels, weights. All who look share one `look` message
 * and one atlas, outside React: a picture that arrives draws no component again.
 *
 * `lookAt(view)` begins; its `cell()` is where the newest `atlas()` has it; `onAtlas` calls after each new one.
 * Components use `looking/CellCanvas.tsx`, and `useNumbers` for what is no picture.
 */

import { currentShow, hearAll, say } from "./show";
import type { CellOfPage, EncodedAtlas, ViewOfPage } from "./wire";

/** What is looked at (see `CellView` in values/looking.py): `size` is the longer side in pixels, 64 to 360. */
export type View = Omit<ViewOfPage, "id">;

/** An atlas, decoded. */
export interface Atlas extends Omit<EncodedAtlas, "jpeg"> {
  picture: ImageBitmap;
}

export interface Looking {
  /** Where the newest atlas has it; null: not yet, or no more. */
  cell(): CellOfPage | null;
  /** Looks no longer. */
  stop(): void;
}

/** The most that one page may look at; of more, those that were asked for first have to wait. */
export const MOST_VIEWS = 96;
/** Views come and go in crowds (a list is scrolled): so long one waits for the others (ms). */
const GATHER = 60;

interface Entry {
  view: ViewOfPage;
  lookers: number;
}

/** The same for views that ask for the same. */
export function keyOf(view: View): string {
  const { of, node, layer = "", weight = "", channels = "active", first = 0, size = 128 } = view;
  return JSON.stringify([of, node, layer, weight, channels, first, size]);
}

export interface AtlasEnds {
  /** Says to the studio what is looked at. */
  look(views: ViewOfPage[]): void;
  /** Says that an atlas is drawn. */
  drawn(number: number): void;
  /** Calls a little later. */
  soon(call: () => void): void;
  /** Calls before the display's next refresh. */
  beforeRefresh(call: () => void): void;
}

/** Everything of one page that is looked at. */
export class AtlasBook {
  private readonly entries = new Map<string, Entry>();
  private readonly hearers = new Set<() => void>();
  private cells = new Map<number, CellOfPage>();
  private newest: Atlas | null = null;
  private ids = 0;
  private gathering = false;
  private said = "[]";
  private may = false;
  private hidden = false;
  private readonly ends: AtlasEnds;

  constructor(ends: AtlasEnds) {
    this.ends = ends;
  }

  atlas(): Atlas | null {
    return this.newest;
  }

  lookAt(view: View): Looking {
    const key = keyOf(view);
    const entry = this.entries.get(key) ?? { view: { ...view, id: this.ids++ }, lookers: 0 };
    entry.lookers += 1;
    this.entries.set(key, entry);
    this.gather();
    let stopped = false;
    return {
      cell: () => (stopped ? null : (this.cells.get(entry.view.id) ?? null)),
      stop: () => {
        if (stopped) return;
        stopped = true;
        entry.lookers -= 1;
        if (entry.lookers === 0) this.entries.delete(key);
        this.gather();
      },
    };
  }

  /** Calls `hear` before the refresh in which a new atlas is to be seen, until what is returned is called. */
  onAtlas(hear: () => void): () => void {
    this.hearers.add(hear);
    return () => this.hearers.delete(hear);
  }

  /** Whether the studio listens, and the page is to be seen: what was said before counts no more. */
  connected(may: boolean): void {
    this.may = may;
    this.said = "[]";
    if (may) this.tell();
  }

  /** The page is shown or hidden: a hidden page looks at nothing. */
  shown(shown: boolean): void {
    this.hidden = !shown;
    this.tell();
  }

  /** A new atlas has come. */
  take(atlas: Atlas): void {
    this.newest?.picture.close();
    this.newest = atlas;
    this.cells = new Map(atlas.cells.map((cell) => [cell.id, cell]));
    this.ends.beforeRefresh(() => {
      for (const hear of this.hearers) hear();
      this.ends.drawn(atlas.number);
    });
  }

  private gather(): void {
    if (this.gathering) return;
    this.gathering = true;
    this.ends.soon(() => {
      this.gathering = false;
      this.tell();
    });
  }

  private tell(): void {
    if (!this.may) return;
    const views = this.hidden ? [] : [...this.entries.values()].slice(-MOST_VIEWS).map(({ view }) => view);
    const said = JSON.stringify(views);
    if (said === this.said) return;
    this.said = said;
    this.ends.look(views);
    if (views.length === 0) this.forget();
  }

  private forget(): void {
    this.newest?.picture.close();
    this.newest = null;
    this.cells = new Map();
  }
}

let book: AtlasBook | undefined;

/** The page's own. */
function theBook(): AtlasBook {
  if (book) return book;
  const opened = new AtlasBook({
    look: (views) => say({ kind: "look", views }),
    drawn: (number) => say({ kind: "drawn", number }),
    soon: (call) => setTimeout(call, GATHER),
    beforeRefresh: (call) => requestAnimationFrame(call),
  });
  book = opened;
  hearAll((message) => {
    if (message.kind === "atlas") opened.take(message);
    else if (message.kind === "you") opened.connected(message.role === "play");
    else if (message.kind === "live" && !message.live) opened.connected(false);
  });
  opened.shown(!document.hidden);
  document.addEventListener("visibilitychange", () => opened.shown(!document.hidden));
  opened.connected(currentShow().connection === "live" && currentShow().you?.role === "play");
  return opened;
}

/** Looks at something until it is stopped. */
export function lookAt(view: View): Looking {
  return theBook().lookAt(view);
}

/** The newest atlas. */
export function currentAtlas(): Atlas | null {
  return theBook().atlas();
}

/** Calls `hear` when a new atlas is to be drawn, until what is returned is called. */
export function onAtlas(hear: () => void): () => void {
  return theBook().onAtlas(hear);
}
