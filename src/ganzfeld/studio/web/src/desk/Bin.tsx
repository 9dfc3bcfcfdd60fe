import { useRef, useState } from "react";
import { atDesk } from "../live/show";
import type { BinnedSnapshot } from "../live/wire";
import { useAbove, useDismiss } from "./popover";
import { Thumbnail } from "./Thumbnail";

/** Snapshots that were deleted; a click has one back. */
export function Bin({ bin }: { bin: readonly BinnedSnapshot[] }) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  if (bin.length === 0) return null;
  return (
    <div className="bin">
      <button type="button" className="plain" aria-expanded={open} onClick={() => setOpen(!open)}>
        bin {bin.length}
      </button>
      {open && <Binned bin={bin} box={box} close={() => setOpen(false)} />}
    </div>
  );
}

function Binned({
  bin,
  box,
  close,
}: {
  bin: readonly BinnedSnapshot[];
  box: React.RefObject<HTMLDivElement | null>;
  close(): void;
}) {
  useDismiss(box, close);
  useAbove(box);
  return (
    <div className="menu" ref={box} data-testid="bin">
      <p>Deleted; a click has one back, where it was.</p>
      {[...bin].reverse().map((each, index) => (
        <button
          type="button"
          className="binned"
          // biome-ignore lint/suspicious/noArrayIndexKey: two of one name may lie there
          key={`${each.name} ${bin.length - index}`}
          onClick={() => {
            atDesk({ kind: "snapshot", do: "undelete", arguments: [each.name] });
            if (bin.length === 1) close();
          }}
        >
          <Thumbnail snapshot={each} />
          <span className="chip-name">{each.name}</span>
        </button>
      ))}
    </div>
  );
}
