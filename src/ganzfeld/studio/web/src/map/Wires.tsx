import { memo } from "react";
import type { PatchMap } from "../live/wire";
import { nameOf } from "./acts";
import { curve, inputPlace, type Laid, numberPlace, outputPlace, type Wire } from "./layout";

interface Props {
  map: PatchMap;
  laid: Laid;
  chosen: Wire | null;
  choose(wire: Wire): void;
}

/** Where a wire begins and ends on the map. */
export function endsOf(wire: Wire, map: PatchMap, laid: Laid) {
  const source = map.nodes.find(({ name }) => name === wire.from);
  const reader = map.nodes.find(({ name }) => name === wire.to);
  const [a, b] = [laid.boxes.get(wire.from), laid.boxes.get(wire.to)];
  if (!source || !reader || !a || !b) return null;
  const out = outputPlace(source);
  const into = wire.kind === "number" ? numberPlace(reader, wire.from) : inputPlace(reader, wire.input);
  return { from: { x: a.x + out.x, y: a.y + out.y }, to: { x: b.x + into.x, y: b.y + into.y } };
}

/** All wires, under the nodes. */
export const Wires = memo(function Wires({ map, laid, chosen, choose }: Props) {
  return (
    <svg
      className="map-wires"
      width={Math.max(laid.width, 1)}
      height={Math.max(laid.height, 1)}
      role="presentation"
    >
      {laid.wires.map((wire) => {
        const ends = endsOf(wire, map, laid);
        if (!ends) return null;
        const way = curve(ends.from, ends.to);
        const key = `${wire.from} ${wire.to} ${wire.kind} ${wire.input}`;
        const isChosen = chosen !== null && chosen.to === wire.to && chosen.input === wire.input;
        return (
          <g
            key={key}
            className={`map-wire of-${wire.kind}${isChosen && wire.kind !== "number" ? " chosen" : ""}`}
          >
            <path d={way} />
            {wire.kind !== "number" && (
              // biome-ignore lint/a11y/noStaticElementInteractions: for the keyboard, the inputs stand beside the map
              <path className="reach" d={way} onClick={() => choose(wire)}>
                <title>{`${nameOf(wire.from)} → ${nameOf(wire.to)}: click to put a node between`}</title>
              </path>
            )}
          </g>
        );
      })}
    </svg>
  );
});
