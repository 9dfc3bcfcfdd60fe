import { useRef, useState } from "react";
import { atDesk } from "../live/show";
import type { SnapshotOnDesk } from "../live/wire";
import { useOrderDrag } from "./order";
import { SnapshotMenu } from "./SnapshotMenu";
import { Thumbnail } from "./Thumbnail";

interface ChipProps {
  snapshot: SnapshotOnDesk;
  number: number;
  /** How many there are. */
  count: number;
  shown: boolean;
  share: number;
  waits: boolean;
  /** Whether this is what is to be learned; null while nothing is. */
  chosen: boolean | null;
}

/** A snapshot: a click recalls it, a drag moves it in the order, the dots open what else can be done. */
export function Chip({ snapshot, number, count, shown, share, waits, chosen }: ChipProps) {
  const [open, setOpen] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  const { name, misfits, midi } = snapshot;
  const order = (to: number) => atDesk({ kind: "snapshot", do: "order", arguments: [name, to] });
  const { shift, wasDragged, handlers } = useOrderDrag(() => {
    const row = place.current?.parentElement;
    return row ? [...row.querySelectorAll(".chip")].filter((each) => each !== place.current) : [];
  }, order);
  const learns = chosen !== null;
  const words = [
    "chip",
    shown && "shown",
    waits && "waits",
    misfits.length > 0 && "misfit",
    learns && "learnable",
    chosen && "chosen",
    shift && "dragged",
  ].filter(Boolean);
  const press = () => {
    if (wasDragged()) return;
    if (learns) atDesk({ kind: "learn", target: `snapshot:${name}` });
    else atDesk({ kind: "snapshot", do: "recall", arguments: [name] });
  };
  return (
    <div
      ref={place}
      className={words.join(" ")}
      data-testid="snapshot"
      style={shift ? { transform: `translate(${shift.x}px, ${shift.y}px)` } : undefined}
    >
      <button
        type="button"
        className="recall"
        aria-label={`Recall ${name}`}
        aria-pressed={shown}
        title={misfits.length > 0 ? `No longer in the patch: ${misfits.join(", ")}` : `Recall ${name}`}
        onMouseDown={(event) => event.preventDefault()}
        onClick={press}
        {...handlers}
      >
        <Thumbnail snapshot={snapshot} />
        {shown && share < 1 && <span className="arriving" style={{ transform: `scaleX(${share})` }} />}
        <span className="caption">
          {number <= 9 && <span className="number">{number}</span>}
          <span className="chip-name">{name}</span>
          {midi && <span className="control">{midi}</span>}
        </span>
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
      {open && (
        <SnapshotMenu
          snapshot={snapshot}
          place={number - 1}
          count={count}
          order={order}
          close={() => setOpen(false)}
        />
      )}
    </div>
  );
}
