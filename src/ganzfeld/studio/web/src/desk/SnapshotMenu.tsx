import { type FormEvent, useRef, useState } from "react";
import { atDesk } from "../live/show";
import type { SnapshotOnDesk } from "../live/wire";
import { useAbove, useDismiss } from "./popover";

interface SnapshotMenuProps {
  snapshot: SnapshotOnDesk;
  /** In the order, from 0, of so many. */
  place: number;
  count: number;
  order(to: number): void;
  close(): void;
}

/** What else can be done with a snapshot. Deleting needs no second question: it goes into the bin. */
export function SnapshotMenu({ snapshot, place, count, order, close }: SnapshotMenuProps) {
  const { name, midi, misfits } = snapshot;
  const box = useRef<HTMLDivElement>(null);
  const [written, setWritten] = useState(name);
  useDismiss(box, close);
  useAbove(box);
  const does = (...doing: Parameters<typeof atDesk>) => {
    atDesk(...doing);
    close();
  };
  const rename = (event: FormEvent) => {
    event.preventDefault();
    const wanted = written.trim();
    if (wanted && wanted !== name) atDesk({ kind: "snapshot", do: "rename", arguments: [name, wanted] });
    close();
  };
  return (
    <div className="menu" ref={box}>
      <form onSubmit={rename}>
        <input
          value={written}
          maxLength={64}
          aria-label="Name"
          // biome-ignore lint/a11y/noAutofocus: who opens the menu of a snapshot mostly renames it
          autoFocus
          onFocus={(event) => event.target.select()}
          onChange={(event) => setWritten(event.target.value)}
        />
        <button type="submit">rename</button>
      </form>
      <button type="button" onClick={() => does({ kind: "snapshot", do: "store", arguments: [name] })}>
        store what is shown here
      </button>
      <div className="pair">
        <button type="button" disabled={place === 0} onClick={() => order(place - 1)}>
          ← earlier
        </button>
        <button type="button" disabled={place === count - 1} onClick={() => order(place + 1)}>
          later →
        </button>
      </div>
      <button type="button" onClick={() => does({ kind: "learn", target: `snapshot:${name}` })}>
        learn a pad
      </button>
      {midi && (
        <button
          type="button"
          onClick={() => does({ kind: "learn", target: `snapshot:${name}`, do: "forget" })}
        >
          forget {midi}
        </button>
      )}
      <button
        type="button"
        className="delete"
        onClick={() => does({ kind: "snapshot", do: "delete", arguments: [name] })}
      >
        delete, into the bin
      </button>
      {misfits.length > 0 && <p>No longer in the patch: {misfits.join(", ")}</p>}
    </div>
  );
}
