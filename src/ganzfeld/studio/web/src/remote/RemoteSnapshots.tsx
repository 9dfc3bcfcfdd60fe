import { freeName } from "../desk/curve";
import { Thumbnail } from "../desk/Thumbnail";
import { atDesk, useShow } from "../live/show";

/** Snapshots to recall with a thumb, and one to store. */
export function RemoteSnapshots() {
  const desk = useShow((show) => show.desk);
  if (!desk) return null;
  const isText = Object.keys(desk.held).length === 0;
  const store = () =>
    atDesk({
      kind: "snapshot",
      do: "store",
      arguments: [freeName(desk.snapshots.map((each) => each.name))],
    });
  return (
    <section className="remote-snapshots" aria-label="Snapshots">
      <button
        type="button"
        className={isText ? "shown" : ""}
        aria-pressed={isText}
        onClick={() => atDesk({ kind: "snapshot", do: "release", arguments: [] })}
      >
        <span className="chip-name">as written</span>
      </button>
      {desk.snapshots.map((snapshot) => {
        const shown = !isText && desk.shown.length === 1 && desk.shown[0] === snapshot.name;
        return (
          <button
            type="button"
            key={snapshot.name}
            className={shown ? "shown" : ""}
            aria-pressed={shown}
            onClick={() => atDesk({ kind: "snapshot", do: "recall", arguments: [snapshot.name] })}
          >
            <Thumbnail snapshot={snapshot} />
            <span className="chip-name">{snapshot.name}</span>
          </button>
        );
      })}
      <button type="button" onClick={store}>
        <span className="chip-name">+ store</span>
      </button>
    </section>
  );
}
