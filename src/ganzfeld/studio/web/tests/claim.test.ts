import { describe, expect, it } from "vitest";
import { claimed } from "../src/text/document/claim";
import { tabShelf } from "../src/text/document/shelf";

/** Storage and locks as a browser has them, as far as they are used. */
function storageOf(copied: [string, string][] = []): Storage {
  const items = new Map(copied);
  return {
    getItem: (key: string) => items.get(key) ?? null,
    setItem: (key: string, value: string) => items.set(key, value),
    removeItem: (key: string) => items.delete(key),
    entries: () => [...items],
  } as unknown as Storage;
}

class Locks {
  private readonly taken = new Set<string>();
  async request(name: string, options: { signal: AbortSignal }, call: () => Promise<never>): Promise<never> {
    if (!this.taken.has(name)) {
      this.taken.add(name);
      return call();
    }
    return new Promise((_, fail) => options.signal.addEventListener("abort", () => fail(new Error("taken"))));
  }
  /** The tab is gone. */
  free() {
    this.taken.clear();
  }
}

const unsent = { log: "x", patch: "p", version: 1, client: "first", base: "a", changes: [] };

describe("claimed", () => {
  it("is another writer in each tab", async () => {
    const locks = new Locks() as unknown as LockManager;
    const one = await claimed(storageOf(), locks);
    const two = await claimed(storageOf(), locks);
    expect(one.client).not.toBe(two.client);
    expect(one.shelf.read()).toBeNull();
  });

  it("goes on as the same writer with what was not sent", async () => {
    const storage = storageOf();
    tabShelf(storage).keep(unsent);
    for (const locks of [undefined, new Locks() as unknown as LockManager]) {
      const writer = await claimed(storage, locks);
      expect(writer.client).toBe("first");
      expect(writer.shelf.read()).toEqual(unsent);
    }
  });

  it("leaves the edits of a tab that was duplicated to that tab", async () => {
    const locks = new Locks();
    const storage = storageOf();
    tabShelf(storage).keep(unsent);
    await claimed(storage, locks as unknown as LockManager);
    const copy = storageOf((storage as unknown as { entries(): [string, string][] }).entries());
    const duplicate = await claimed(copy, locks as unknown as LockManager);
    expect(duplicate.client).not.toBe("first");
    expect(duplicate.shelf.read()).toBeNull();
    expect(tabShelf(storage).read()).toEqual(unsent);
  });
});
