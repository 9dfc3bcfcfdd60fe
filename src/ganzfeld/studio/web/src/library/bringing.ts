/** Files on their way into the library: announced, sent, looked at, given a place. Kept outside React. */

import { useSyncExternalStore } from "react";
import type { ArrivedFile, LibraryItem, Refusal, Upload } from "../live/wire";

export type Stage = "waits" | "comes" | "looked at" | "arrived" | "moves" | "refused";

export interface Brought {
  number: number;
  name: string;
  size: number;
  stage: Stage;
  /** How much of it has been sent, 0 to 1. */
  share: number;
  /** Why it cannot be used, or why it has no place yet. */
  problem: string;
  arrived: ArrivedFile | null;
}

export type Place = "beside" | "mine";

/** So many are sent at a time; the others wait. */
const AT_ONCE = 2;

let brought: readonly Brought[] = [];
let count = 0;
const files = new Map<number, File>();
const cancels = new Map<number, () => void>();
const listeners = new Set<() => void>();

export function useBrought(): readonly Brought[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => brought,
  );
}

/** Brings these files, one after the other. */
export function bring(list: Iterable<File>): void {
  if (count === 0) addEventListener("pagehide", leave);
  for (const file of list) {
    count += 1;
    files.set(count, file);
    const entry: Brought = {
      number: count,
      name: file.name,
      size: file.size,
      stage: "waits",
      share: 0,
      problem: "",
      arrived: null,
    };
    set([...brought, entry]);
  }
  sendNext();
}

/** Takes a file away, however far it has come; the studio keeps nothing of it. */
export function cancel(number: number): void {
  const entry = brought.find((each) => each.number === number);
  cancels.get(number)?.();
  cancels.delete(number);
  files.delete(number);
  set(brought.filter((each) => each.number !== number));
  if (entry?.arrived)
    void fetch(`/api/library/uploads/${entry.arrived.id}`, { method: "DELETE" }).catch(() => {});
  sendNext();
}

/** Gives an arrived file its place. Returns the item it has become; null if it could not go there. */
export async function give(
  number: number,
  place: Place,
  name: string,
  replace: boolean,
): Promise<LibraryItem | null> {
  const entry = brought.find((each) => each.number === number);
  if (!entry?.arrived || entry.stage !== "arrived") return null;
  change(number, { stage: "moves", problem: "" });
  try {
    const item = await asked<LibraryItem>("POST", `/api/library/uploads/${entry.arrived.id}`, {
      place,
      name,
      replace,
    });
    set(brought.filter((each) => each.number !== number));
    sendNext();
    return item;
  } catch (error) {
    change(number, { stage: "arrived", problem: said(error) });
    return null;
  }
}

/** Who leaves the page has said no place for these. What is just being sent ends by itself. */
function leave(): void {
  for (const { arrived } of brought)
    if (arrived) void fetch(`/api/library/uploads/${arrived.id}`, { method: "DELETE", keepalive: true });
}

function set(next: readonly Brought[]): void {
  brought = next;
  for (const listener of listeners) listener();
}

function change(number: number, by: Partial<Brought>): void {
  set(changed(brought, number, by));
}

/** Pure: one of them is otherwise now. */
export function changed(all: readonly Brought[], number: number, by: Partial<Brought>): readonly Brought[] {
  return all.map((each) => (each.number === number ? { ...each, ...by } : each));
}

/** Pure: which are to be sent now. */
export function nextOf(all: readonly Brought[], atOnce = AT_ONCE): readonly Brought[] {
  const busy = all.filter(({ stage }) => stage === "comes" || stage === "looked at").length;
  return all.filter(({ stage }) => stage === "waits").slice(0, Math.max(0, atOnce - busy));
}

function sendNext(): void {
  for (const { number } of nextOf(brought)) void send(number);
}

async function send(number: number): Promise<void> {
  const file = files.get(number);
  if (!file) return;
  change(number, { stage: "comes" });
  try {
    const upload = await asked<Upload>("POST", "/api/library/uploads", { name: file.name, size: file.size });
    if (!files.has(number)) {
      // It was cancelled meanwhile.
      await fetch(`/api/library/uploads/${upload.id}`, { method: "DELETE" });
      return;
    }
    change(number, { name: upload.name });
    const arrived = await sent(number, file, upload.id);
    change(number, { stage: "arrived", share: 1, arrived });
  } catch (error) {
    change(number, { stage: "refused", problem: said(error) });
  }
  cancels.delete(number);
  files.delete(number);
  sendNext();
}

/** Sends the bytes, telling how far they are. */
function sent(number: number, file: File, id: string): Promise<ArrivedFile> {
  return new Promise((resolve, reject) => {
    // fetch does not tell how much has been sent.
    const request = new XMLHttpRequest();
    request.open("PUT", `/api/library/uploads/${id}`);
    request.setRequestHeader("content-type", "application/octet-stream");
    request.upload.onprogress = ({ loaded, total }) =>
      change(number, { share: total > 0 ? loaded / total : 0 });
    request.upload.onload = () => change(number, { share: 1, stage: "looked at" });
    request.onload = () => {
      const answer = parsed(request.responseText);
      if (request.status === 200) resolve(answer as ArrivedFile);
      else reject(new Error(words(answer as Refusal | null, request.status)));
    };
    request.onerror = () => reject(new Error("The studio did not take it: is it still there?"));
    request.onabort = () => reject(new Error("cancelled"));
    cancels.set(number, () => request.abort());
    request.send(file);
  });
}

export async function asked<Answer>(method: string, path: string, body: unknown): Promise<Answer> {
  const response = await fetch(path, {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const answer = parsed(await response.text());
  if (!response.ok) throw new Error(words(answer as Refusal | null, response.status));
  return answer as Answer;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function words(refusal: Refusal | null, status: number): string {
  if (!refusal?.what) return `No answer (${status})`;
  return [refusal.what, refusal.hint].filter(Boolean).join(". ");
}

function said(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
