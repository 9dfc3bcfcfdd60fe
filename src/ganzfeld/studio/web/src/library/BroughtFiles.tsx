import { useState } from "react";
import type { ArrivedFile, Library, LibraryItem } from "../live/wire";
import { size } from "../panels/recording";
import { type Brought, cancel, give, type Place, useBrought } from "./bringing";
import { GLYPHS } from "./items";

/** Files that were dropped or picked: how far they are, and where they go. */
export function BroughtFiles({
  library,
  hasCome,
}: {
  library: Library | null;
  hasCome(item: LibraryItem): void;
}) {
  const brought = useBrought();
  if (brought.length === 0) return null;
  return (
    <ul className="brought" aria-label="Files on their way" data-testid="brought">
      {brought.map((entry) => (
        <li key={entry.number} className={entry.stage === "refused" ? "refused" : undefined}>
          <Entry entry={entry} library={library} hasCome={hasCome} />
        </li>
      ))}
    </ul>
  );
}

function Entry({
  entry,
  library,
  hasCome,
}: {
  entry: Brought;
  library: Library | null;
  hasCome(item: LibraryItem): void;
}) {
  const { arrived, stage } = entry;
  return (
    <>
      <span className="brought-picture">
        {arrived?.has_picture ? (
          <img src={`/api/library/uploads/${arrived.id}/picture`} alt="" />
        ) : (
          <span aria-hidden="true">{arrived ? GLYPHS[arrived.kind] : "…"}</span>
        )}
      </span>
      <div className="brought-facts">
        <p>
          <strong>{entry.name}</strong> <Standing entry={entry} />
        </p>
        {stage === "comes" && (
          <progress value={entry.share} max={1} aria-label={`${entry.name}: how much has come`} />
        )}
        {stage === "looked at" && <progress aria-label={`${entry.name} is looked at`} />}
        {entry.problem && (
          <p role="alert" className="brought-problem">
            {entry.problem}
          </p>
        )}
        {arrived?.notes.map((note) => (
          <p key={note} className="brought-note">
            {note}
          </p>
        ))}
        {arrived && library && (
          <WhereTo entry={entry} arrived={arrived} library={library} hasCome={hasCome} />
        )}
      </div>
      <button
        type="button"
        className="library-close"
        aria-label={`${stage === "refused" ? "Close" : "Cancel"} ${entry.name}`}
        onClick={() => cancel(entry.number)}
      >
        {stage === "refused" ? "close" : "cancel"}
      </button>
    </>
  );
}

function Standing({ entry }: { entry: Brought }) {
  const words: Record<Brought["stage"], string> = {
    waits: "waits for the others",
    comes: `${Math.floor(entry.share * 100)} % of ${size(entry.size)}`,
    "looked at": "has come, and is looked at",
    arrived: entry.arrived?.about ?? "",
    moves: "goes to its place",
    refused: "was not taken",
  };
  return <span className="brought-standing">{words[entry.stage]}</span>;
}

/** Asks where an arrived file goes, and what it is called there. */
function WhereTo({
  entry,
  arrived,
  library,
  hasCome,
}: {
  entry: Brought;
  arrived: ArrivedFile;
  library: Library;
  hasCome(item: LibraryItem): void;
}) {
  const [name, setName] = useState(arrived.name);
  const places: [Place, string, string][] = [
    ["beside", "beside the patch", library.beside],
    ["mine", "into your folder", library.mine],
  ];
  const waits = entry.stage !== "arrived";
  const put = async (place: Place, replace: boolean) => {
    const item = await give(entry.number, place, name.trim(), replace);
    if (item) hasCome(item);
  };
  const isTaken = (place: Place) => name.trim() === arrived.name && arrived.taken.includes(place);
  return (
    <div className="where-to">
      <label>
        call it
        <input
          type="text"
          value={name}
          maxLength={120}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      {places
        .filter(([, , folder]) => folder !== "")
        .map(([place, words, folder]) => (
          <span key={place} className="where-to-place">
            <button
              type="button"
              className="answer"
              title={folder}
              disabled={waits || name.trim() === "" || isTaken(place)}
              onClick={() => put(place, false)}
            >
              {words}
            </button>
            {isTaken(place) && (
              <span className="taken">
                There is one of this name {place === "mine" ? "in your folder" : "there"} already.
                {arrived.kind !== "patch" && (
                  <button type="button" disabled={waits} onClick={() => put(place, true)}>
                    replace it
                  </button>
                )}
              </span>
            )}
          </span>
        ))}
    </div>
  );
}
