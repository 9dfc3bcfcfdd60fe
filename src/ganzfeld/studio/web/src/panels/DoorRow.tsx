import { useState } from "react";
import { toggleBlack, toggleFreeze } from "../desk/master";
import { atDoor } from "../live/show";
import type { DoorStatus } from "../live/wire";
import { doorWords, isInTrouble } from "./recording";

/** A door: what it shows, where, how it is; black and freeze of its own; what can be done with it. */
export function DoorRow({ door, outputs }: { door: DoorStatus; outputs: string[] }) {
  const [changes, setChanges] = useState(false);
  const isPage = door.type === "page";
  const isFilm = door.type === "film";
  const shows = door.picture || outputs[0] || "the main picture";
  return (
    <li
      className={`door is-${door.state}${isInTrouble(door) ? " wrong" : ""}`}
      data-testid={`door-${door.name}`}
    >
      <div className="door-head">
        <span className="lamp" aria-hidden="true" />
        <b>{door.name}</b>
        <span className="way">
          {shows} → {door.to}
        </span>
      </div>
      <p className="door-state">{doorWords(door)}</p>
      {door.note && door.state !== "waiting" && <p className="door-note">{door.note}</p>}
      {door.problem && (
        <p className="door-problem" role="status">
          {door.problem.what}
          {door.problem.hint && <span> {door.problem.hint}</span>}
        </p>
      )}
      {door.restarts > 0 && <p className="door-note">started again {times(door.restarts)}</p>}
      <div className="door-does">
        {!isFilm && (
          <>
            <button type="button" aria-pressed={door.black > 0.5} onClick={() => toggleBlack(0.5, door.name)}>
              black
            </button>
            <button type="button" aria-pressed={door.frozen} onClick={() => toggleFreeze(door.name)}>
              freeze
            </button>
          </>
        )}
        {isFilm && door.state === "open" && (
          <Does word="stop" act={() => atDoor({ do: "stop", door: door.name })} />
        )}
        {isFilm && door.state === "waiting" && (
          <Does word="record" act={() => atDoor({ do: "start", door: door.name })} />
        )}
        {(door.state === "ended" || door.state === "failed") && (
          <Does word="start again" act={() => atDoor({ do: "again", door: door.name })} />
        )}
        {!isPage && (
          <>
            <button type="button" aria-expanded={changes} onClick={() => setChanges(!changes)}>
              change
            </button>
            <Does word="close" act={() => atDoor({ do: "close", door: door.name })} />
          </>
        )}
      </div>
      {changes && <Change name={door.name} done={() => setChanges(false)} />}
    </li>
  );
}

function Does({ word, act }: { word: string; act(): void }) {
  return (
    <button type="button" onClick={act}>
      {word}
    </button>
  );
}

/** The options that every door has. */
function Change({ name, done }: { name: string; done(): void }) {
  const [rate, setRate] = useState("");
  const [alpha, setAlpha] = useState("");
  const [master, setMaster] = useState("");
  return (
    <form
      className="change"
      onSubmit={(event) => {
        event.preventDefault();
        const options: Record<string, string | number | boolean> = {};
        if (rate !== "") options.rate = Number(rate);
        if (alpha !== "") options.alpha = alpha;
        if (master !== "") options.master = master === "yes";
        if (Object.keys(options).length > 0) atDoor({ do: "change", door: name, options });
        done();
      }}
    >
      <label>
        pictures a second, at most
        <input
          type="number"
          min={1}
          max={1000}
          step="any"
          value={rate}
          placeholder="as it is"
          onChange={(event) => setRate(event.target.value)}
        />
      </label>
      <label>
        transparency
        <select value={alpha} onChange={(event) => setAlpha(event.target.value)}>
          <option value="">as it is</option>
          <option value="straight">straight</option>
          <option value="premultiplied">premultiplied</option>
          <option value="opaque">opaque</option>
        </select>
      </label>
      <label>
        obeys the master
        <select value={master} onChange={(event) => setMaster(event.target.value)}>
          <option value="">as it is</option>
          <option value="yes">yes</option>
          <option value="no">no</option>
        </select>
      </label>
      <button type="submit">change</button>
    </form>
  );
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}
