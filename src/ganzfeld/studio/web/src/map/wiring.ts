/** A wire under a hand: from an output to what is to read it, or from an input to what it is to read. */

import { type PointerEvent, type RefObject, useRef } from "react";
import type { MapNode, PatchMap } from "../live/wire";
import { connect, disconnect, write } from "./acts";
import { curve } from "./layout";
import type { Viewport } from "./viewport";

interface Pulled {
  node: MapNode;
  /** The input that is pulled; null: the output is. */
  input: string | null;
  from: { x: number; y: number };
}

/** Where a wire is let go. */
export interface Target {
  node: MapNode;
  input: string | null;
  /** A number that is let go on, by its line and name. */
  number: { line: string; name: string } | null;
}

export type Meant =
  | { do: "connect"; node: string; input: string; source: string }
  | { do: "disconnect"; node: string; input: string }
  | { do: "follow"; node: MapNode; line: string; name: string; source: string }
  | null;

/** What a wire means that is pulled from one place to another; null: nothing. */
export function meant(pulled: { node: MapNode; input: string | null }, target: Target | null): Meant {
  const { node, input } = pulled;
  if (input !== null) {
    const own = node.inputs.find(({ name }) => name === input);
    if (!own) return null;
    if (!target) return own.source && !own.required ? { do: "disconnect", node: node.name, input } : null;
    if (target.node.name === node.name || !target.node.makes.includes(own.makes)) return null;
    return { do: "connect", node: node.name, input, source: target.node.name };
  }
  if (!target || target.node.name === node.name) return null;
  if (node.makes.includes("number")) {
    if (!target.number) return null;
    return { do: "follow", node: target.node, ...target.number, source: node.name };
  }
  const fitting = target.node.inputs.filter(({ makes }) => node.makes.includes(makes));
  const exact = fitting.find(({ name }) => name === target.input);
  const into = exact ?? fitting.find(({ source }) => !source) ?? fitting[0];
  return into ? { do: "connect", node: target.node.name, input: into.name, source: node.name } : null;
}

/** Does what a wire means. */
function does(what: Meant): void {
  if (what?.do === "connect") void connect(what.node, what.input, what.source);
  else if (what?.do === "disconnect") void disconnect(what.node, what.input);
  else if (what?.do === "follow") {
    const number = what.node.numbers.find(({ line, name }) => line === what.line && name === what.name);
    if (number) void write(what.node.name, number, what.source);
  }
}

/** Handlers for the map, and where the wire is drawn that is being pulled. */
export function useWiring(map: PatchMap | null, viewport: RefObject<Viewport | null>) {
  const path = useRef<SVGPathElement>(null);
  const pulled = useRef<Pulled | null>(null);
  const box = useRef<HTMLElement | null>(null);

  const nodeOf = (element: Element | null) => {
    const name = element?.closest<HTMLElement>("[data-node]")?.dataset.node;
    return map?.nodes.find((node) => node.name === name) ?? null;
  };
  const show = (way: string) => path.current?.setAttribute("d", way);
  const mark = (element: Element | null) => {
    for (const old of box.current?.querySelectorAll(".aimed") ?? []) old.classList.remove("aimed");
    element?.closest("[data-node]")?.classList.add("aimed");
  };

  const press = (event: PointerEvent<HTMLElement>) => {
    const port = (event.target as Element).closest<HTMLElement>("[data-port]");
    const node = nodeOf(port);
    if (!port || !node || event.button !== 0 || !viewport.current) return;
    event.preventDefault();
    box.current = event.currentTarget;
    event.currentTarget.setPointerCapture(event.pointerId);
    pulled.current = {
      node,
      input: port.dataset.port === "in" ? (port.dataset.input ?? "") : null,
      from: viewport.current.placeOf(event),
    };
    box.current.classList.add("wiring");
  };
  const move = (event: PointerEvent<HTMLElement>) => {
    const hand = pulled.current;
    if (!hand || !viewport.current) return;
    const now = viewport.current.placeOf(event);
    show(hand.input === null ? curve(hand.from, now) : curve(now, hand.from));
    const under = document.elementFromPoint(event.clientX, event.clientY);
    const target = targetOf(under, nodeOf(under));
    mark(meant(hand, target)?.do === "disconnect" ? null : meant(hand, target) && under);
  };
  const lift = (event: PointerEvent<HTMLElement>) => {
    const hand = pulled.current;
    if (!hand) return;
    end();
    if (event.type === "pointercancel") return;
    const under = document.elementFromPoint(event.clientX, event.clientY);
    const target = targetOf(under, nodeOf(under));
    // A press alone moves nothing.
    const port = under?.closest<HTMLElement>("[data-port]");
    if (port && target?.node.name === hand.node.name) return;
    does(meant(hand, target));
  };
  const end = () => {
    pulled.current = null;
    show("");
    mark(null);
    box.current?.classList.remove("wiring");
  };
  return { path, press, move, lift };
}

function targetOf(under: Element | null, node: MapNode | null): Target | null {
  if (!node) return null;
  const row = under?.closest<HTMLElement>("[data-parameter]");
  return {
    node,
    input: under?.closest<HTMLElement>("[data-port=in]")?.dataset.input ?? null,
    number: row ? { line: row.dataset.line ?? "", name: row.dataset.parameter ?? "" } : null,
  };
}
