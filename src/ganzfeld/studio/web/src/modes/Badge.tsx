import "./badge.css";
import { useEffect, useState } from "react";
import { useShow } from "../live/show";
import { edit, leaveText } from "../text/editing";
import { act, useModes } from "./modes";

const ASKS_FOR = 3000;

/** Says, large, what keys do now; pressing it changes that. Beside it the stage lock. */
export function Badge() {
  const { mode, locked } = useModes((modes) => modes);
  const watches = useShow((show) => show.you?.role === "watch");
  if (watches) return null;
  if (locked) return <Locked />;
  const editing = mode === "edit";
  return (
    <div className="badge">
      <button
        type="button"
        className={`mode ${mode}`}
        title={
          editing
            ? "Keys are text. Esc, or a click on the picture: PLAY"
            : "Keys are the instrument. A click on the text: EDIT"
        }
        data-testid="mode"
        aria-live="polite"
        onMouseDown={(event) => event.preventDefault()}
        onClick={editing ? leaveText : edit}
      >
        {editing ? "EDIT" : "PLAY"}
      </button>
      <button
        type="button"
        className="lock"
        title="All that can be done, opened or inserted (Ctrl+K)"
        aria-label="Palette"
        onMouseDown={(event) => event.preventDefault()}
        onClick={() => act("toggle palette")}
      >
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M3 4.2h10M3 8h10M3 11.8h10" />
        </svg>
      </button>
      <button
        type="button"
        className="lock"
        title="Stage lock: knobs, snapshots and the master only"
        aria-label="Lock the stage"
        onMouseDown={(event) => event.preventDefault()}
        onClick={() => act("toggle lock")}
      >
        <Padlock open />
      </button>
    </div>
  );
}

/** The lock opens on the second press, so that no slip opens it. */
function Locked() {
  const [asks, setAsks] = useState(false);
  useEffect(() => {
    if (!asks) return;
    const timer = setTimeout(() => setAsks(false), ASKS_FOR);
    return () => clearTimeout(timer);
  }, [asks]);
  return (
    <div className="badge">
      <button
        type="button"
        className="mode locked"
        title="Knobs, snapshots and the master only. Press twice to unlock"
        data-testid="mode"
        aria-live="polite"
        onMouseDown={(event) => event.preventDefault()}
        onClick={() => (asks ? act("toggle lock") : setAsks(true))}
      >
        <Padlock open={false} />
        {asks ? "UNLOCK?" : "LOCKED"}
      </button>
    </div>
  );
}

function Padlock({ open }: { open: boolean }) {
  return (
    <svg viewBox="0 0 16 16" aria-hidden="true">
      <path d={open ? "M5 7V4.6a3 3 0 0 1 5.8-1" : "M5 7V4.6a3 3 0 0 1 6 0V7"} />
      <rect x="3" y="7" width="10" height="7" rx="1.6" />
    </svg>
  );
}
