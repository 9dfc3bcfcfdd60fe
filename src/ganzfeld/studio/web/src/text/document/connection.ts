/**
 * The page's side of the document: what is typed goes to the studio's log, what others wrote comes back.
 *
 * The studio is the authority (see `@codemirror/collab`): a change counts when it comes back among the updates. Until
 * then it is unsent, is kept on a shelf, and is sent again after a loss of the connection. If the studio's log cannot be
 * continued, the studio gets the unsent edits together with the text that they began from, and merges them.
 */

import { collab, getSyncedVersion, receiveUpdates, sendableUpdates } from "@codemirror/collab";
import {
  ChangeSet,
  Compartment,
  type EditorState,
  type Extension,
  type StateEffect,
  Text,
  Transaction,
  type TransactionSpec,
} from "@codemirror/state";
import type { AtText, DocumentText, DocumentUpdates, Draft, Update } from "../../live/wire";
import { changesBetween, fromWire, toWire } from "./differences";
import type { Shelf, Unsent } from "./shelf";

export interface Ends {
  state(): EditorState;
  dispatch(change: Transaction | TransactionSpec): void;
  say(message: AtText): void;
  shelf: Shelf;
  /** Marks on what others changed: `from` and `to` in the new text. */
  mark?(from: number, to: number): StateEffect<unknown>;
  /** Takes them away. */
  unmark?(): StateEffect<unknown>;
}

/** What one message may hold: the studio takes so many drafts, and messages of 64 KiB. */
const MOST_DRAFTS = 100;
const LARGEST = 40_000;
/** So many versions back a text is remembered, for a studio that lost the last second of its log. */
const REMEMBERED = 200;

export class DocumentConnection {
  /** The page's name among the writers. */
  client: string;
  /** The id of the log that the page's version counts in; "" before there is a document. */
  log = "";
  private patch = "";
  private readonly slot = new Compartment();
  private readonly ends: Ends;
  /** The page's version counts: a text is in place, with the log's extension. */
  private placed = false;
  private asked = false;
  private pushing = false;
  private live = false;
  /** Edits that were handed in to be merged, until the next word of the studio: a loss before has them sent again. */
  private merging: Unsent | null = null;
  /** The text of the last versions, the one known now at the end: without what is unsent. */
  private past: { version: number; text: Text }[] = [];
  private waiting: (() => void)[] = [];

  constructor(ends: Ends, client: string) {
    this.ends = ends;
    this.client = client;
  }

  /** Goes into the state that `Ends.state` gives. */
  get extension(): Extension {
    return this.slot.of([]);
  }

  get version(): number {
    return this.placed ? getSyncedVersion(this.ends.state()) : 0;
  }

  get hasUnsent(): boolean {
    return this.placed && sendableUpdates(this.ends.state()).length > 0;
  }

  get isPlaced(): boolean {
    return this.placed;
  }

  get isLive(): boolean {
    return this.live && this.asked;
  }

  /** The connection to the studio is there, or is lost. */
  setLive(live: boolean): void {
    this.live = live;
    this.asked = this.pushing = false;
    if (!live) this.waiting = [];
  }

  /** Calls back once everything typed so far is in the log; not at all if the connection is lost before. */
  whenSent(call: () => void): void {
    if (this.isLive && !this.hasUnsent) call();
    else if (this.live) this.waiting.push(call);
  }

  /** Something was typed here. */
  typed(): void {
    if (!this.placed) return;
    this.merging = null;
    this.keep();
    this.push();
  }

  /** The whole document: on joining, and if the log cannot be continued. */
  takeDocument(told: DocumentText): void {
    const patch = told.file ?? told.name;
    if (this.log === "") this.begin(told, patch);
    else if (this.goesOn(told, this.log, this.version) && !this.merging) this.ask();
    else this.startAgain(told, patch);
  }

  /** What was changed since a version. */
  takeUpdates(told: DocumentUpdates): void {
    if (told.log !== this.log) return;
    const state = this.ends.state();
    const known = getSyncedVersion(state);
    if (told.since > known) {
      this.ask();
      return;
    }
    const news = told.updates.slice(known - told.since);
    this.pushing = false;
    try {
      this.receive(news);
    } catch {
      // Changes that do not fit what is known here: the whole text is asked for, and unsent edits are merged into it.
      this.ends.say({ kind: "push", log: "", version: 0, client: this.client });
      return;
    }
    this.merging = null;
    this.keep();
    if (this.hasUnsent) this.push();
    else this.release();
  }

  private receive(news: readonly Update[]): void {
    if (news.length === 0) return;
    const state = this.ends.state();
    const updates = news.map(({ changes, client }) => ({ changes: fromWire(changes), clientID: client }));
    const texts = [...this.past];
    for (const { changes } of updates) {
      const before = texts[texts.length - 1] as { version: number; text: Text };
      texts.push({ version: before.version + 1, text: changes.apply(before.text) });
    }
    const received = receiveUpdates(state, updates);
    this.ends.dispatch(received);
    this.past = texts.slice(-REMEMBERED);
    if (news.some((update) => update.client !== this.client)) this.flash(received);
  }

  /** Whether the studio's log goes on from this version. */
  private goesOn(told: DocumentText, log: string, version: number): boolean {
    return !told.reset && told.log === log && told.first <= version && version <= told.version;
  }

  private begin(told: DocumentText, patch: string): void {
    const unsent = this.ends.shelf.read();
    this.log = told.log;
    this.patch = patch;
    if (unsent && this.goesOn(told, unsent.log, unsent.version)) {
      this.client = unsent.client;
      this.put(unsent.base, unsent.version);
      for (const changes of unsent.changes) this.ends.dispatch({ changes: fromWire(changes) });
      this.ask();
      return;
    }
    this.put(told.text, told.version);
    this.asked = true;
    if (unsent && unsent.patch === patch && unsent.changes.length > 0) this.merge(unsent);
    else this.release();
  }

  private startAgain(told: DocumentText, patch: string): void {
    const unsent = this.lost(told);
    const isSame = patch === this.patch;
    if (!isSame) this.forget();
    this.log = told.log;
    this.patch = patch;
    this.pushing = false;
    this.put(told.text, told.version);
    this.asked = true;
    if (unsent && isSame) this.merge(unsent);
    else this.release();
  }

  /** What the studio does not know of what is written here; null if that is nothing. */
  private lost(told: DocumentText): Unsent | null {
    if (this.merging) return this.merging;
    const state = this.ends.state();
    // A studio that lost the end of its log knows less than was confirmed.
    const known =
      told.log === this.log ? this.past.find(({ version }) => version === told.version) : undefined;
    const unsent = this.unsent();
    const base = known?.text ?? Text.of(unsent.base.split("\n"));
    if (base.eq(state.doc)) return null;
    const changes = known ? changesBetween(base, state.doc.toString()) : composed(unsent);
    return changes.empty ? null : { ...unsent, base: base.toString(), changes: [toWire(changes)] };
  }

  private merge(unsent: Unsent): void {
    this.merging = { ...unsent, log: this.log };
    this.ends.shelf.keep(this.merging);
    this.ends.say({
      kind: "merge",
      client: this.client,
      base: unsent.base,
      changes: toWire(composed(unsent)),
    });
  }

  /** Another text altogether, at a version of the log: what was typed here is no longer unsent. */
  private put(text: string, version: number): void {
    const state = this.ends.state();
    this.placed = false;
    const remote = [Transaction.addToHistory.of(false), Transaction.remote.of(true)];
    this.ends.dispatch({ effects: this.slot.reconfigure([]) });
    this.ends.dispatch({ changes: changesBetween(state.doc, text), annotations: remote, filter: false });
    this.ends.dispatch({
      effects: this.slot.reconfigure(collab({ startVersion: version, clientID: this.client })),
    });
    this.past = [{ version, text: this.ends.state().doc }];
    this.placed = true;
  }

  /** Another patch comes: what is selected and marked of this one means nothing there. */
  private forget(): void {
    const effects = this.ends.unmark?.() ?? [];
    this.ends.dispatch({ selection: { anchor: 0 }, effects });
  }

  /** Asks what there is since the version that is known here, and hands in what is unsent. */
  private ask(): void {
    this.asked = true;
    this.pushing = false;
    this.push(true);
    this.release();
  }

  private push(evenIfEmpty = false): void {
    if (!this.live || !this.asked || this.pushing) return;
    const updates = drafts(this.ends.state());
    if (updates.length === 0 && !evenIfEmpty) return;
    // A question alone is not answered if there is no news.
    this.pushing = updates.length > 0;
    this.ends.say({ kind: "push", log: this.log, version: this.version, client: this.client, updates });
  }

  private release(): void {
    if (!this.live || this.hasUnsent) return;
    const calls = this.waiting;
    this.waiting = [];
    for (const call of calls) call();
  }

  private keep(): void {
    if (this.merging) return;
    if (this.hasUnsent) this.ends.shelf.keep(this.unsent());
    else this.ends.shelf.clear();
  }

  private unsent(): Unsent {
    const state = this.ends.state();
    const updates = sendableUpdates(state);
    return {
      log: this.log,
      patch: this.patch,
      version: getSyncedVersion(state),
      client: this.client,
      base: (this.past.at(-1)?.text ?? state.doc).toString(),
      changes: updates.map(({ changes }) => toWire(changes)),
    };
  }

  private flash(received: Transaction): void {
    if (!this.ends.mark) return;
    let from = -1;
    let to = -1;
    received.changes.iterChanges((_fromA, _toA, fromB, toB) => {
      if (from < 0) from = fromB;
      to = toB;
    });
    if (from >= 0) this.ends.dispatch({ effects: this.ends.mark(from, to) });
  }
}

function composed(unsent: Unsent): ChangeSet {
  const length = Text.of(unsent.base.split("\n")).length;
  return unsent.changes.map(fromWire).reduce((all, each) => all.compose(each), ChangeSet.empty(length));
}

/** What is unsent, as much of it as one message may hold. */
function drafts(state: EditorState): Draft[] {
  const found: Draft[] = [];
  let size = 0;
  for (const { changes, origin } of sendableUpdates(state).slice(0, MOST_DRAFTS)) {
    const draft: Draft = { changes: toWire(changes), what: kindOf(origin) };
    size += JSON.stringify(draft.changes).length * 2;
    if (found.length > 0 && size > LARGEST) break;
    found.push(draft);
  }
  return found;
}

function kindOf(origin: Transaction): Draft["what"] {
  if (origin.isUserEvent("undo") || origin.isUserEvent("redo")) return "undo";
  return origin.isUserEvent("drag") ? "drag" : "typed";
}
