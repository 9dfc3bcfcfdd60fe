/** What the numbers mean, where something is the matter with them. */

import type { Status } from "../live/wire";
import type { Shown } from "../live/worker";

/** A display is behind when it shows less than this share of the frames that are rendered. */
const BEHIND = 0.85;
/** Fewer pictures a second than this are no motion. */
const SLOW = 12;

type Told = Pick<
  Status,
  | "fps"
  | "rate"
  | "division"
  | "frame_ms"
  | "paused"
  | "halvings"
  | "device"
  | "osc_dropped"
  | "osc_dropped_last"
>;

export interface Remark {
  about: "slow" | "behind" | "smaller" | "even" | "osc";
  says: string;
}

/** Sentences, the worst first; none while all is well. `shown`: what this window shows. */
export function remarks(status: Told, shown: Pick<Shown, "fps"> | null): Remark[] {
  const found: Remark[] = [];
  if (!status.paused && status.fps > 0 && status.fps < SLOW && status.frame_ms > 1000 / SLOW) {
    const device = status.device || "the device";
    found.push({ about: "slow", says: `slow: ${device} takes ${duration(status.frame_ms)} for a picture` });
  }
  if (!status.paused && shown && shown.fps > 0 && shown.fps < status.fps * BEHIND) {
    const says = `this window shows ${shown.fps.toFixed(0)} of ${status.fps.toFixed(0)} a second`;
    found.push({ about: "behind", says });
  }
  if (status.halvings > 0) {
    const says = `drawn at 1/${2 ** status.halvings} of its size, to hold the rate`;
    found.push({ about: "smaller", says });
  }
  if (status.division > 1) {
    const paced = rateOf(status.rate / status.division);
    const says = `evenly at ${paced} of ${rateOf(status.rate)} a second`;
    found.push({ about: "even", says });
  }
  if (status.osc_dropped > 0) {
    const messages = status.osc_dropped === 1 ? "1 message" : `${status.osc_dropped} messages`;
    const says = `${messages} of OSC could not be read; the last: ${status.osc_dropped_last}`;
    found.push({ about: "osc", says });
  }
  return found;
}

/** "30", "7.5" */
export function rateOf(rate: number): string {
  return String(Number(rate.toFixed(1)));
}

/** "1.0 s", "120 ms" */
export function duration(milliseconds: number): string {
  return milliseconds >= 950 ? `${(milliseconds / 1000).toFixed(1)} s` : `${milliseconds.toFixed(0)} ms`;
}
