/**
 * Acts of a hand that change the text (`patch/language/edits/`): the studio works out what comes where, and the page
 * makes that change as one of its own, so that there is one undo history.
 */

import { invertedEffects, isolateHistory, redo, undo } from "@codemirror/commands";
import { type Extension, StateEffect, Transaction } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { atDesk, hearAll, say, tellPerson } from "../live/show";
import type { Edit, Edited } from "../live/wire";
import { fromWire } from "./document/differences";
import { attached, playRange } from "./editing";

/** So often an edit is asked for again while others write, too. */
const TRIES = 6;
/** For the answer (ms): the studio may have to start what knows the language. */
const PATIENCE = 30_000;
/** For what is typed to be in the studio's log, and for its updates to be here (ms). */
const SENT_WITHIN = 5_000;
const NEWS_WITHIN = 300;

export type EditArguments = NonNullable<Edit["arguments"]>;

interface Wish {
  /** Whether what was changed is played, too (unless told: yes). */
  play?: boolean;
}

/** A node, a knob or a signal is called otherwise: so are its addresses. */
const renamed = StateEffect.define<{ from: string; to: string }>();

/** Snapshots go with a node that is renamed, and back when that is taken back. */
export const renames: Extension = [
  invertedEffects.of(({ effects }) =>
    effects.flatMap((effect) =>
      effect.is(renamed) ? renamed.of({ from: effect.value.to, to: effect.value.from }) : [],
    ),
  ),
  EditorView.updateListener.of(({ transactions }) => {
    for (const effect of transactions.flatMap(({ effects }) => effects)) {
      if (!effect.is(renamed)) continue;
      const { from, to } = effect.value;
      atDesk({ kind: "snapshot", do: "readdress", arguments: [`/${from}`, `/${to}`] });
    }
  }),
];

let last: Promise<unknown> = Promise.resolve();
let number = 0;
let listens = false;
const waiting = new Map<number, (answer: Edited) => void>();

/**
 * Edits the text, after all edits that were asked for before, and plays what was touched. What cannot be done is told
 * to the person; then `changes` is null.
 */
export function edit(what: string, given: EditArguments, wish: Wish = {}): Promise<Edited> {
  const next = last.then(() => edited(what, given, wish.play ?? true));
  last = next;
  return next;
}

/** Takes the newest change of this page back (or makes it again), and plays what it touched: for hands that are not in
 * the text. */
export function takeBack(again = false): void {
  const { view } = attached() ?? {};
  if (!view || view.state.readOnly) return;
  const before = view.state.doc;
  if (!(again ? redo(view) : undo(view))) return;
  const after = view.state.doc;
  let from = 0;
  const least = Math.min(before.length, after.length);
  const [old, now] = [before.toString(), after.toString()];
  while (from < least && old[from] === now[from]) from += 1;
  let tail = 0;
  while (tail < least - from && old[old.length - 1 - tail] === now[now.length - 1 - tail]) tail += 1;
  playRange(from, now.length - tail);
}

async function edited(what: string, given: EditArguments, play: boolean): Promise<Edited> {
  for (let tries = 0; tries < TRIES; tries += 1) {
    const page = attached();
    if (!page?.link.isLive) return refused("The studio is not there", "Nothing was changed.");
    if (page.view.state.readOnly) return refused("The text cannot be changed now", "");
    if (!(await sent())) return refused("The studio does not answer", "Nothing was changed.");
    const answer = await ask(what, given);
    if (!answer) return refused("The studio does not answer", "Nothing was changed.");
    if (answer.changes === null && !answer.late) return refused(answer.what, answer.hint, answer);
    const { view, link } = page;
    const fits = link.log === answer.log && link.version === answer.version && !link.hasUnsent;
    if (answer.changes === null || !fits) {
      await new Promise((done) => setTimeout(done, NEWS_WITHIN));
      continue;
    }
    const changes = fromWire(answer.changes);
    if (!changes.empty) {
      view.dispatch({
        changes,
        effects: what === "rename" ? renamed.of({ from: String(given.node), to: String(given.name) }) : [],
        annotations: [Transaction.userEvent.of(`edit.${what}`), isolateHistory.of("full")],
      });
      if (play) playRange(answer.start, answer.end);
    }
    return answer;
  }
  return refused("Others are writing", "Try again.");
}

function refused(what: string, hint: string, answer?: Edited): Edited {
  tellPerson(what, hint);
  return (
    answer ?? {
      kind: "edited",
      request: 0,
      log: "",
      version: 0,
      changes: null,
      start: 0,
      end: 0,
      late: false,
      what,
      hint,
    }
  );
}

/** Everything that was typed here is in the studio's log; false: it does not answer. */
function sent(): Promise<boolean> {
  return within(SENT_WITHIN, false, (done) => attached()?.link.whenSent(() => done(true)));
}

function ask(what: string, given: EditArguments): Promise<Edited | null> {
  if (!listens) {
    listens = true;
    hearAll((message) => {
      if (message.kind === "edited") waiting.get(message.request)?.(message);
    });
  }
  number += 1;
  const request = number;
  return within<Edited | null>(PATIENCE, null, (done) => {
    const link = attached()?.link;
    if (!link) return;
    waiting.set(request, done);
    say({ kind: "edit", request, log: link.log, version: link.version, do: what, arguments: given });
  }).finally(() => waiting.delete(request));
}

function within<Answer>(
  patience: number,
  otherwise: Answer,
  begin: (done: (answer: Answer) => void) => void,
): Promise<Answer> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(otherwise), patience);
    begin((answer) => {
      clearTimeout(timer);
      resolve(answer);
    });
  });
}
