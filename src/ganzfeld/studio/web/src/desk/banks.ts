/** Knobs in banks of eight, as on a controller. */

export const BANK = 8;

export function bankCount(knobs: number): number {
  return Math.max(1, Math.ceil(knobs / BANK));
}

/** The knobs of a bank, and where it stands among all: "9–16 of 19". A bank that is no more is the last one. */
export function bankOf<Knob>(
  knobs: readonly Knob[],
  bank: number,
): { number: number; shown: readonly Knob[]; words: string } {
  const number = Math.min(Math.max(bank, 0), bankCount(knobs.length) - 1);
  const from = number * BANK;
  const shown = knobs.slice(from, from + BANK);
  return { number, shown, words: `${from + 1}–${from + shown.length} of ${knobs.length}` };
}
