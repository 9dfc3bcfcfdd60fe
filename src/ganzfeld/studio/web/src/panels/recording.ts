/** Films and takes that are being recorded, in words. */

import { clock } from "../hud/numbers";
import type { DoorStatus, Status } from "../live/wire";

export interface Recording {
  /** The door that records; null while none does. */
  door: string | null;
  seconds: number;
  bytes: number;
  /** What is wrong with it, in words. */
  problem: string | null;
}

/** The film that is being recorded, or why none is. */
export function recordingOf(status: Pick<Status, "doors">): Recording {
  const films = status.doors.filter((door) => door.type === "film");
  const runs = films.find((door) => door.state === "open" || door.state === "starting");
  const wrong = films.find((door) => door.problem !== null);
  return {
    door: runs?.name ?? null,
    seconds: runs?.seconds ?? 0,
    bytes: runs?.size ?? 0,
    problem: wrong?.problem?.what ?? null,
  };
}

/** "0:12 · 3.4 MB" */
export function lengthAndSize({ seconds, bytes }: { seconds: number; bytes: number }): string {
  return bytes > 0 ? `${clock(seconds)} · ${size(bytes)}` : clock(seconds);
}

/** "640 kB", "3.4 MB", "1.2 GB" */
export function size(bytes: number): string {
  if (bytes < 1e6) return `${Math.max(1, Math.round(bytes / 1e3))} kB`;
  if (bytes < 1e9) return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
  return `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Whether somebody should look at a door. */
export function isInTrouble(door: DoorStatus): boolean {
  return door.problem !== null || door.state === "failed" || door.state === "ended";
}

/** How a door is doing, in a few words. */
export function doorWords(door: DoorStatus): string {
  switch (door.state) {
    case "starting":
      return "opens";
    case "open":
      return [
        door.type === "film" ? "records" : "open",
        door.fps > 0 && `${door.fps.toFixed(door.fps < 9.5 ? 1 : 0)} pictures a second`,
        door.width > 0 && `${door.width}×${door.height}`,
        door.type === "film" &&
          door.seconds > 0 &&
          lengthAndSize({ seconds: door.seconds, bytes: door.size }),
      ]
        .filter(Boolean)
        .join(" · ");
    case "waiting":
      return `waits for ${door.note}`;
    case "failed":
      return door.again_in > 0
        ? `failed; tries again in ${Math.ceil(door.again_in)} s`
        : "failed; tries again";
    case "ended":
      return "ended, until you start it again";
  }
}

type FilmDoor = Pick<DoorStatus, "name" | "type" | "state" | "note" | "seconds" | "problem">;

/** By door, the path of each film that is being made. The door's note says it: "/shows/night-2.mp4 (h264)". */
export function filmsMade(doors: readonly FilmDoor[]): Map<string, string> {
  const films = doors.filter((door) => door.type === "film" && door.state === "open" && door.seconds > 0);
  return new Map(films.map((door) => [door.name, door.note.replace(/ \([^()]*\)$/, "")]));
}

/** Paths of the films that were made `before` and are not `now`, but for those of doors that failed. */
export function filmsKept(
  before: ReadonlyMap<string, string>,
  now: ReadonlyMap<string, string>,
  doors: readonly FilmDoor[],
): string[] {
  const failed = doors.filter((door) => door.problem !== null).map((door) => door.name);
  return [...before]
    .filter(([name, path]) => now.get(name) !== path && !failed.includes(name))
    .map(([, path]) => path);
}
