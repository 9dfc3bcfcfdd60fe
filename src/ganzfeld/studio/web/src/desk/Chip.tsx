import { type FormEvent, useEffect, useRef, useState } from "react";
import { atDesk } from "../live/show";
import type { SnapshotOnDesk } from "../live/wire";

interface ChipProps {
  snapshot: SnapshotOnDesk;
  number: number;
  shown: boolean;
  share: number;
  waits: boolean;
  /** Whether this is what is to be learned; null while nothing is. */
  chosen: boolean | null;
}

/** A snapshot: a click recalls it, the dots beside it open what else can be done. */
export function Chip({ snapshot, number, shown, share, waits, chosen }: ChipProps) {
  const [open, setOpen] = useState(false);
  const { name, misfits, midi } = snapshot;
  const learns = chosen !== null;
  const words = [
    shown && "shown",
    waits && "waits",
    misfits.length > 0 && "misfit",
    learns && "learnable",
    chosen && "chosen",
  ].filter(Boolean);
  const press = () => {
    if (learns) atDesk({ kind: "learn", target: `snapshot:${name}` });
    else atDesk({ kind: "snapshot", do: "recall", arguments: [name] });
  };
  return (
    <div className={`chip ${words.join(" ")}`} data-testid="snapshot">
      <button
        type="button"
        className="recall"
        title={misfits.length > 0 ? `No longer in the patch: ${misfits.join(", ")}` : `Recall ${name}`}
        onMouseDown={(event) => event.preventDefault()}
        onClick={press}
      >
        {shown && share < 1 && <span className="arriving" style={{ transform: `scaleX(${share})` }} />}
        {number <= 9 && <span className="number">{number}</span>}
        <span className="chip-name">{name}</span>
        {midi && <span className="control">{midi}</span>}
      </button>
      <button
        type="button"
        className="more"
        aria-label={`More about ${name}`}
        aria-expanded={open}
        onClick={() => setOpen(!open)}
      >
        ⋮
      </button>
      {open && <Menu snapshot={snapshot} close={() => setOpen(false)} />}
    </div>
  );
}

function Menu({ snapshot, close }: { snapshot: SnapshotOnDesk; close(): void }) {
  const { name, midi, misfits } = snapshot;
  const place = useRef<HTMLDivElement>(null);
  const [written, setWritten] = useState(name);
  const [asks, setAsks] = useState(false);
  useEffect(() => {
    const away = (event: Event) => {
      if (!place.current?.parentElement?.contains(event.target as Node)) close();
    };
    const leave = (event: KeyboardEvent) => event.key === "Escape" && close();
    addEventListener("pointerdown", away);
    addEventListener("keydown", leave);
    return () => {
      removeEventListener("pointerdown", away);
      removeEventListener("keydown", leave);
    };
  }, [close]);
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
    <div className="menu" ref={place}>
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
        onClick={() => (asks ? does({ kind: "snapshot", do: "delete", arguments: [name] }) : setAsks(true))}
      >
        {asks ? `really delete ${name}?` : "delete"}
      </button>
      {misfits.length > 0 && <p>No longer in the patch: {misfits.join(", ")}</p>}
    </div>
  );
}
