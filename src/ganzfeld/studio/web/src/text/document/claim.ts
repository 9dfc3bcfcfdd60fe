/**
 * Which writer this tab is, and what of its typing lies on the shelf.
 *
 * A tab that is duplicated takes its storage along, and with it the unsent edits of the first, under the first's name.
 * Two writers of one name would confuse the studio, so a name belongs to who holds its lock.
 */

import { type Shelf, tabShelf } from "./shelf";

export interface Writer {
  client: string;
  shelf: Shelf;
}

/** A page that is loaded again waits this long for itself to be gone (ms). */
const PATIENCE = 800;

/** Takes up what lies in the tab's storage, unless another tab has it. locks: undefined where a browser has none. */
export async function claimed(storage: Storage, locks: LockManager | undefined): Promise<Writer> {
  const shelf = tabShelf(storage);
  const unsent = shelf.read();
  if (unsent && (!locks || (await held(unsent.client, locks)))) return { client: unsent.client, shelf };
  shelf.clear();
  const client = crypto.getRandomValues(new Uint32Array(2)).join("-");
  if (locks) await held(client, locks);
  return { client, shelf };
}

/** Whether this tab has the lock of a name now; it keeps it until it is closed. */
function held(client: string, locks: LockManager): Promise<boolean> {
  return new Promise((tell) => {
    const keep = () => {
      tell(true);
      return new Promise<never>(() => {});
    };
    locks
      .request(`ganzfeld writer ${client}`, { signal: AbortSignal.timeout(PATIENCE) }, keep)
      .catch(() => tell(false));
  });
}
