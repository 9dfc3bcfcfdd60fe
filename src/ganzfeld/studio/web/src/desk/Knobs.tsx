import { type CSSProperties, useState } from "react";
import type { KnobOnDesk } from "../live/wire";
import { BANK, bankCount, bankOf } from "./banks";
import { Knob } from "./Knob";

interface KnobsProps {
  knobs: readonly KnobOnDesk[];
  /** Whether this address is what is to be learned; null while nothing is. */
  isChosen(address: string): boolean | null;
}

/** One row of at most eight knobs; more are in further banks. */
export function Knobs({ knobs, isChosen }: KnobsProps) {
  const [bank, setBank] = useState(0);
  if (knobs.length === 0) return null;
  const { number, shown, words } = bankOf(knobs, bank);
  const last = bankCount(knobs.length) - 1;
  return (
    <fieldset className="knobs" aria-label="Knobs">
      {last > 0 && (
        <div className="banks">
          <button
            type="button"
            aria-label="Earlier knobs"
            disabled={number === 0}
            onClick={() => setBank(number - 1)}
          >
            ‹
          </button>
          <output aria-live="polite">{words}</output>
          <button
            type="button"
            aria-label="Further knobs"
            disabled={number === last}
            onClick={() => setBank(number + 1)}
          >
            ›
          </button>
        </div>
      )}
      {/* With further banks, knobs keep their places of eight. */}
      <div className="bank" style={{ "--places": last > 0 ? BANK : knobs.length } as CSSProperties}>
        {shown.map((knob) => (
          <Knob key={knob.address} knob={knob} chosen={isChosen(knob.address)} />
        ))}
      </div>
    </fieldset>
  );
}
