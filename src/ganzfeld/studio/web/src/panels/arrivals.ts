/** Addresses that arrive by OSC and MIDI, as a patch and a knob name them. */

import type { Arrival } from "../live/wire";

/** As an expression of a patch reads it: `cc(1, 74)`, `osc("/push")`; null if it has no word for it. */
export function expressionOf({ source, address }: Arrival): string | null {
  if (source === "osc") return `osc(${JSON.stringify(address)})`;
  const found = /^\/midi\/(cc|note)\/(\d+)\/(\d+)$/.exec(address);
  return found ? `${found[1]}(${found[2]}, ${found[3]})` : null;
}

/** As a lesson names it: "cc 1/74", "osc /push"; null if nothing can learn it. */
export function controlOf({ source, address }: Arrival): string | null {
  if (source === "osc") return isLearnable(address) ? `osc ${address}` : null;
  const found = /^\/midi\/(cc|note)\/(\d+)\/(\d+)$/.exec(address);
  return found ? `${found[1]} ${found[2]}/${found[3]}` : null;
}

/** Whether a knob may listen at an address: it is plain, and none that the show itself listens at. */
function isLearnable(address: string): boolean {
  return (
    /^(\/[^\s/#*,?[\]{}"]+)+$/.test(address) &&
    !/^\/(snapshot|master|tempo|transport|door|midi)\//.test(address)
  );
}

/** "60 a second", "now and then", "2:05 ago" */
export function rateWords({ rate, ago }: Arrival): string {
  if (rate >= 1.5) return `${rate.toFixed(0)} a second`;
  if (ago < 2) return "now";
  if (ago < 60) return `${ago.toFixed(0)} s ago`;
  return `${Math.floor(ago / 60)} min ago`;
}

/** In an order that does not jump under the hand: by source and address; what is silent for long comes last. */
export function ordered(arrivals: readonly Arrival[]): Arrival[] {
  const isOld = ({ ago }: Arrival) => (ago > 30 ? 1 : 0);
  return [...arrivals].sort(
    (a, b) =>
      isOld(a) - isOld(b) ||
      a.source.localeCompare(b.source) ||
      a.address.localeCompare(b.address, "en", { numeric: true }),
  );
}
