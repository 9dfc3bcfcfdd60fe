import "./map.css";
import { type KeyboardEvent, useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { MapNumber } from "../live/wire";
import { CellCanvas } from "../looking/CellCanvas";
import { useWords } from "../text/words";
import { Adding } from "./Adding";
import { add, goTo, remove, setNames } from "./acts";
import { useMap } from "./data";
import { Inspector, keyOf } from "./Inspector";
import { laidOut, nextTo, type Wire } from "./layout";
import { NodeCard } from "./NodeCard";
import { fitting, showing, useViewport } from "./viewport";
import { endsOf, Wires } from "./Wires";
import { useWiring } from "./wiring";

const ZOOM = 1.25;
const ARROWS: Record<string, readonly [number, number]> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

interface Adds {
  of: string;
  into: { reader: string; input: string } | null;
}

/** The patch as what it is: nodes, and what goes from one to the other. Every act edits the text. */
export function MapSheet() {
  const { map, problem, silence } = useMap();
  useWords(); // what can be added is looked up before it is asked for
  const laid = useMemo(() => (map ? laidOut(map) : null), [map]);
  const [chosen, setChosen] = useState("");
  const [wire, setWire] = useState<Wire | null>(null);
  const [asked, setAsked] = useState("");
  const [adds, setAdds] = useState<Adds | null>(null);

  const box = useRef<HTMLDivElement>(null);
  const plane = useRef<HTMLDivElement>(null);
  const viewport = useViewport(box, plane);
  const wiring = useWiring(map, viewport);
  const node = map?.nodes.find(({ name }) => name === chosen) ?? null;
  const between = wire && laid?.wires.find(({ to, input }) => to === wire.to && input === wire.input);

  /** The names before a node was added: what is new on the map after that is chosen. */
  const before = useRef<ReadonlySet<string> | null>(null);
  useEffect(() => {
    if (!map) return;
    setNames(map.nodes.map(({ name }) => name));
    const fresh = before.current && map.nodes.find(({ name }) => !before.current?.has(name));
    if (!fresh) return;
    before.current = null;
    setChosen(fresh.name);
  }, [map]);

  // The first sight of it is all of it; after that it stays where the hand has put it.
  const sized = laid !== null;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when there is something to be seen
  useEffect(() => {
    if (laid && viewport.current) viewport.current.set(fitting(laid, viewport.current.size));
  }, [sized]);

  // What is chosen is not hidden by what is said of it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: once it is chosen
  useEffect(() => {
    const at = laid?.boxes.get(chosen);
    if (at && viewport.current)
      viewport.current.set(showing(viewport.current.sight, at, viewport.current.size));
  }, [chosen]);

  const choose = useCallback((name: string) => {
    setChosen(name);
    setWire(null);
    setAsked("");
  }, []);
  const chooseWire = useCallback((wire: Wire) => {
    setWire(wire);
    setChosen("");
  }, []);
  const askDriver = useCallback((name: string, number: MapNumber) => {
    setChosen(name);
    setWire(null);
    setAsked(keyOf(number));
  }, []);

  const show = (name: string) => {
    const at = laid?.boxes.get(name);
    if (at && viewport.current)
      viewport.current.set(showing(viewport.current.sight, at, viewport.current.size));
    box.current
      ?.querySelector<HTMLElement>(`[data-node="${CSS.escape(name)}"]`)
      ?.focus({ preventScroll: true });
  };
  const key = (event: KeyboardEvent) => {
    const at = (event.target as Element).closest<HTMLElement>("[data-node]")?.dataset.node;
    if (event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    if (arrow && laid) {
      const next = nextTo(laid.boxes, at ?? chosen, ...arrow);
      if (next) show(next);
    } else if (
      event.key === "Enter" &&
      at &&
      node &&
      event.target === event.currentTarget.querySelector(`[data-node="${CSS.escape(at)}"]`)
    )
      goTo(node.at);
    else if ((event.key === "Delete" || event.key === "Backspace") && at) void remove(at);
    else if (event.key === "F2" && at) document.querySelector<HTMLElement>(".map-rename")?.focus();
    else if (event.key === "Insert") setAdds({ of: at ?? "", into: null });
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const take = (type: string) => {
    if (adds) {
      before.current = new Set(map?.nodes.map(({ name }) => name));
      void add(type, adds.of, adds.into ?? undefined).then(({ changes }) => {
        if (changes === null) before.current = null;
      });
    }
    setAdds(null);
    setWire(null);
  };

  const zoom = (by: number) => viewport.current?.zoom(by);
  const fit = () => laid && viewport.current?.set(fitting(laid, viewport.current.size, true));
  const first = map?.nodes.some(({ name }) => name === chosen) ? chosen : map?.nodes[0]?.name;
  const ends = between && map && laid && endsOf(between, map, laid);
  return (
    <div className={node ? "map with-inspector" : "map"}>
      {/* biome-ignore lint/a11y/useSemanticElements: a group of nodes, which are groups themselves */}
      <div
        className="map-box"
        ref={box}
        role="group"
        aria-label="Map of the patch. Arrow keys go from node to node, Enter into the text, Delete deletes, F2 renames, Insert adds."
        onPointerDown={wiring.press}
        onPointerMove={wiring.move}
        onPointerUp={wiring.lift}
        onPointerCancel={wiring.lift}
        onKeyDown={key}
        onClick={(event) => {
          if (!(event.target as Element).closest("[data-node], .reach, button")) choose("");
        }}
      >
        <CellCanvas over className="map-cells">
          <div className="map-plane" ref={plane}>
            {map && laid && (
              <>
                <Wires map={map} laid={laid} chosen={between ?? null} choose={chooseWire} />
                {map.nodes.map((each) => {
                  const at = laid.boxes.get(each.name);
                  return (
                    at && (
                      <NodeCard
                        key={each.name}
                        node={each}
                        box={at}
                        chosen={each.name === chosen}
                        first={each.name === first}
                        choose={choose}
                        askDriver={askDriver}
                      />
                    )
                  );
                })}
                <svg className="map-pulled" role="presentation">
                  <path ref={wiring.path} />
                </svg>
                {between && ends && (
                  <button
                    type="button"
                    className="map-between"
                    style={{ left: (ends.from.x + ends.to.x) / 2, top: (ends.from.y + ends.to.y) / 2 }}
                    aria-label={`Add a node between ${between.from} and ${between.to}`}
                    onClick={() =>
                      setAdds({ of: between.from, into: { reader: between.to, input: between.input } })
                    }
                  >
                    +
                  </button>
                )}
              </>
            )}
          </div>
        </CellCanvas>
      </div>
      <div className="map-tools">
        <button
          type="button"
          onClick={() =>
            setAdds({
              of:
                node && !node.output && node.makes.length > 0 && !node.makes.includes("number")
                  ? node.name
                  : "",
              into: null,
            })
          }
        >
          + node
        </button>
        <button type="button" aria-label="Smaller" onClick={() => zoom(1 / ZOOM)}>
          −
        </button>
        <button type="button" aria-label="Larger" onClick={() => zoom(ZOOM)}>
          +
        </button>
        <button type="button" onClick={fit}>
          all
        </button>
        {map && !node && (
          <span className="map-hint">click a node for all of it · drag from dot to dot to connect</span>
        )}
      </div>
      {problem && (
        <output className="map-problem">
          {`What is written is no patch yet: ${problem.problem}`}
          {problem.line > 0 && (
            <button type="button" onClick={() => goTo(problem.line)}>
              line {problem.line}
            </button>
          )}
        </output>
      )}
      {!map && !problem && <p className="map-waits">{silence ?? "The map is being drawn"}</p>}
      {adds && (
        <Adding
          of={map?.nodes.find(({ name }) => name === adds.of) ?? null}
          into={adds.into}
          take={take}
          close={() => setAdds(null)}
        />
      )}
      {map && node && (
        <Inspector
          key={node.name}
          map={map}
          node={node}
          asked={asked}
          ask={setAsked}
          add={() => setAdds({ of: node.name, into: null })}
          close={() => choose("")}
        />
      )}
    </div>
  );
}
