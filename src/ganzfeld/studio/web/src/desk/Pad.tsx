import { type PointerEvent, useRef, useState } from "react";
import { atDesk } from "../live/show";
import type { Desk } from "../live/wire";
import { capture, useHeld, useNewest } from "./drag";

type Place = [x: number, y: number];

/** Morphs between the snapshots that lie on it; they are moved while "move" is on. */
export function Pad({ snapshots, at }: Pick<Desk, "snapshots" | "at">) {
  const [moves, setMoves] = useState(false);
  const [held, hold, letGo] = useHeld<{ name: string | null; place: Place }>();
  const grabbed = useRef<string | null | undefined>(undefined);
  const send = useNewest(({ name, place }: { name: string | null; place: Place }) =>
    atDesk(
      name === null
        ? { kind: "snapshot", do: "morph", arguments: place }
        : { kind: "snapshot", do: "place", arguments: [name, ...place] },
    ),
  );
  const go = (event: PointerEvent<HTMLDivElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const place: Place = [
      Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1),
      Math.min(Math.max(1 - (event.clientY - box.top) / box.height, 0), 1),
    ];
    const to = { name: grabbed.current ?? null, place };
    hold(to);
    send(to);
  };
  const press = (event: PointerEvent<HTMLDivElement>) => {
    const dot = (event.target as Element).closest<HTMLElement>("[data-name]");
    if (moves && !dot) return;
    grabbed.current = moves ? dot?.dataset.name : null;
    capture(event);
    go(event);
  };
  const lift = () => {
    grabbed.current = undefined;
    letGo();
  };
  const finger = held?.name === null ? held.place : at;
  return (
    <div className="pad-box">
      <div className="pad-head">
        <span>morph</span>
        <button type="button" aria-pressed={moves} onClick={() => setMoves(!moves)}>
          move
        </button>
      </div>
      <div
        className={moves ? "pad moves" : "pad"}
        data-testid="pad"
        onPointerDown={press}
        onPointerMove={(event) => grabbed.current !== undefined && go(event)}
        onPointerUp={lift}
        onPointerCancel={lift}
      >
        {snapshots.map(({ name, at }) => {
          const place = held?.name === name ? held.place : at;
          return (
            <span key={name} className="dot" data-name={name} style={inside(place)}>
              {name}
            </span>
          );
        })}
        {finger && <span className="finger" style={where(finger)} />}
      </div>
    </div>
  );
}

/** As `where`, but shifted so that a long name stays on the pad. */
function inside(place: Place): { left: string; bottom: string; transform: string } {
  const [x, y] = place;
  return { ...where(place), transform: `translate(${-100 * x}%, ${100 * y}%)` };
}

function where([x, y]: Place): { left: string; bottom: string } {
  return { left: `${100 * x}%`, bottom: `${100 * y}%` };
}
