import "./sheets.css";
import { type ReactNode, useEffect, useRef } from "react";
import { LibrarySheet } from "../library/LibrarySheet";
import { Layers } from "../looking/layers/Layers";
import { MapSheet } from "../map/MapSheet";
import { useTextFacts } from "../text/editing";
import { takeBack } from "../text/edits";
import { openSheet, type SheetName, useOpenSheet } from "./open";

const TITLES: Record<SheetName, string> = {
  map: "The map",
  layers: "The layers",
  library: "The library",
};

const CONTENTS: Record<SheetName, () => ReactNode> = {
  library: () => <LibrarySheet />,
  layers: () => <Layers />,
  map: () => <MapSheet />,
};

/** The sheet that is open: over the picture, beside the text where there is room for both. */
export function OpenSheet() {
  const name = useOpenSheet();
  if (!name) return null;
  return (
    <Frame key={name} name={name}>
      {CONTENTS[name]()}
    </Frame>
  );
}

function Frame({ name, children }: { name: SheetName; children: ReactNode }) {
  const place = useRef<HTMLElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    place.current?.focus({ preventScroll: true });
    return () => {
      // The focus goes back, unless it has gone somewhere else meanwhile.
      if (document.activeElement === document.body && before instanceof HTMLElement)
        before.focus({ preventScroll: true });
    };
  }, []);
  return (
    <section
      className={`laid sheet-${name}`}
      aria-label={TITLES[name]}
      data-testid={`sheet-${name}`}
      tabIndex={-1}
      ref={place}
    >
      <div className="laid-head">
        <h2>{TITLES[name]}</h2>
        <History />
        <button
          type="button"
          aria-label={`Close ${TITLES[name].toLowerCase()}`}
          onClick={() => openSheet(null)}
        >
          ✕
        </button>
      </div>
      <div className="laid-body">{children}</div>
    </section>
  );
}

/** What was done here changed the text: a step of it back, or made again. It plays, too. */
function History() {
  const { undoes, redoes } = useTextFacts();
  return (
    <div className="laid-history">
      <button
        type="button"
        disabled={!undoes}
        title="Take back the newest change of the text, and play that (Ctrl+Z)"
        onClick={() => takeBack()}
      >
        undo
      </button>
      <button
        type="button"
        disabled={!redoes}
        title="Make again what was taken back, and play that (Ctrl+Shift+Z)"
        onClick={() => takeBack(true)}
      >
        redo
      </button>
    </div>
  );
}
