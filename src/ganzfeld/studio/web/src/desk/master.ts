/** The master: level, black and freeze of what leaves, for all doors or one. */

import { atDesk, currentShow } from "../live/show";
import type { DoorStatus, MasterStatus, Status } from "../live/wire";

export type MasterState = Pick<MasterStatus, "level" | "black" | "frozen">;

/** Seconds in which black comes and goes, as a hand may choose them. */
export const FADES = [0, 0.5, 1, 2, 4, 8] as const;

/** More than this is on its way to black, or there. */
const DARK = 0.5;

/** The master of all doors, or a door's own. */
export function masterOf(status: Status, door: string | null): MasterState {
  if (door === null) return status.master;
  return status.doors.find((each) => each.name === door) ?? { level: 1, black: 0, frozen: false };
}

export function toggleBlack(seconds = 0, door: string | null = null): void {
  const { status } = currentShow();
  if (!status) return;
  const isDark = masterOf(status, door).black > DARK;
  atDesk({ kind: "master", what: "black", value: isDark ? 0 : 1, seconds, door });
}

export function toggleFreeze(door: string | null = null): void {
  const { status } = currentShow();
  if (!status) return;
  atDesk({ kind: "master", what: "freeze", value: masterOf(status, door).frozen ? 0 : 1, door });
}

export function setLevel(value: number, door: string | null = null): void {
  atDesk({ kind: "master", what: "level", value: Math.min(Math.max(value, 0), 1), door });
}

export interface Alarm {
  tone: "black" | "frozen" | "dim";
  word: string;
  says: string;
}

/** What must not be overlooked: that the audience sees something else than this page. null: it does not. */
export function alarmOf(status: Pick<Status, "master" | "doors">): Alarm | null {
  const { level, black, frozen } = status.master;
  if (black > DARK) {
    return {
      tone: "black",
      word: frozen ? "Black, and frozen" : "Black",
      says: "The audience sees nothing. The picture here is yours alone.",
    };
  }
  if (frozen) {
    return { tone: "frozen", word: "Frozen", says: "The audience sees a still. The picture here moves on." };
  }
  const dark = status.doors.filter((door) => door.black > DARK).map((door) => door.name);
  const still = status.doors.filter((door) => door.frozen).map((door) => door.name);
  if (dark.length > 0) {
    return { tone: "black", word: `Black: ${dark.join(", ")}`, says: "The other doors show the picture." };
  }
  if (still.length > 0) {
    return { tone: "frozen", word: `Frozen: ${still.join(", ")}`, says: "The other doors go on." };
  }
  if (level < 0.005) {
    return { tone: "black", word: "Level 0", says: "The audience sees nothing." };
  }
  return null;
}

/** Everything on again: what the alarm's button does. */
export function endAlarm(status: Pick<Status, "master" | "doors">, seconds = 0.5): void {
  const { black, frozen, level } = status.master;
  if (frozen) atDesk({ kind: "master", what: "freeze", value: 0 });
  if (black > 0) atDesk({ kind: "master", what: "black", value: 0, seconds });
  if (level < 0.005) atDesk({ kind: "master", what: "level", value: 1, seconds });
  if (frozen || black > DARK) return;
  for (const door of status.doors) endDoor(door, seconds);
}

function endDoor({ name, black, frozen }: DoorStatus, seconds: number): void {
  if (frozen) atDesk({ kind: "master", what: "freeze", value: 0, door: name });
  if (black > DARK) atDesk({ kind: "master", what: "black", value: 0, seconds, door: name });
}
