import { atDesk } from "../live/show";
import type { Desk } from "../live/wire";
import { Chip } from "./Chip";
import { freeName } from "./curve";

interface SnapshotsProps {
  desk: Desk;
  isChosen(target: string): boolean | null;
}

/** Everything back to the text, the snapshots in their order, and one more. */
export function Snapshots({ desk, isChosen }: SnapshotsProps) {
  const { snapshots, shown, share, waiting } = desk;
  const isText = Object.keys(desk.held).length === 0;
  const store = () =>
    atDesk({
      kind: "snapshot",
      do: "store",
      arguments: [freeName(snapshots.map((each) => each.name))],
    });
  return (
    <fieldset className="snapshots" aria-label="Snapshots">
      <button
        type="button"
        className={isText ? "as-text shown" : "as-text"}
        aria-pressed={isText}
        title="Give everything back to the text"
        onMouseDown={(event) => event.preventDefault()}
        onClick={() => atDesk({ kind: "snapshot", do: "release", arguments: [] })}
      >
        as written
      </button>
      {snapshots.length > 0 && (
        <div className="chips">
          {snapshots.map((snapshot, index) => (
            <Chip
              key={snapshot.name}
              snapshot={snapshot}
              number={index + 1}
              count={snapshots.length}
              shown={shown.length === 1 && shown[0] === snapshot.name && !isText}
              share={share}
              waits={waiting === snapshot.name}
              chosen={isChosen(`snapshot:${snapshot.name}`)}
            />
          ))}
        </div>
      )}
      <button
        type="button"
        className="store"
        title={
          desk.kept
            ? "Store what is shown"
            : "Store what is shown, until the show ends: the patch has no file"
        }
        onMouseDown={(event) => event.preventDefault()}
        onClick={store}
      >
        + store
      </button>
    </fieldset>
  );
}
