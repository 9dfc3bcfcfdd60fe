import { type PointerEvent, type ReactNode, useRef, useState } from "react";
import { createPortal } from "react-dom";
import type { BendWord, Insides } from "../../live/wire";
import { bend } from "./acts";
import { type Chosen, networkOf } from "./chosen";

/** So far a pointer moves until it drags (pixels). */
const FAR = 6;

export interface Target {
  node: string;
  layer: string;
}

export interface BendDrag {
  /** The layer that a bend is held over. */
  over: Target | null;
  /** What is dragged, beside the pointer. */
  ghost: ReactNode;
  press(event: PointerEvent<HTMLElement>, word: BendWord): void;
  move(event: PointerEvent<HTMLElement>): void;
  lift(event: PointerEvent<HTMLElement>): void;
  cancel(): void;
  /** Writes it for what is chosen; false if a drag has just ended, whose click this is. */
  put(word: BendWord): boolean;
}

/** Bends are dragged onto layers with a mouse or a pen; a finger, which scrolls, taps them onto the chosen layer. */
export function useBendDrag(chosen: Chosen, insides: Insides | null): BendDrag {
  const held = useRef<{ word: BendWord; x: number; y: number; moves: boolean } | null>(null);
  const hasDragged = useRef(false);
  const [at, setAt] = useState<{ word: BendWord; x: number; y: number; over: Target | null } | null>(null);

  const write = (target: Target, word: BendWord) => {
    const layer = networkOf(insides, target.node)?.layers.find(({ name }) => name === target.layer);
    const channels = target.node === chosen.node && target.layer === chosen.layer ? chosen.picked : [];
    bend(target.node, layer?.short ?? "*", word.arguments, channels);
  };
  const end = () => {
    held.current = null;
    setAt(null);
  };
  return {
    over: at?.over ?? null,
    ghost: at && <Ghost name={at.word.name} x={at.x} y={at.y} />,
    press: (event, word) => {
      hasDragged.current = false;
      if (event.button !== 0 || event.pointerType === "touch") return;
      event.currentTarget.setPointerCapture(event.pointerId);
      held.current = { word, x: event.clientX, y: event.clientY, moves: false };
    },
    move: ({ clientX: x, clientY: y }) => {
      const from = held.current;
      if (!from) return;
      from.moves ||= Math.hypot(x - from.x, y - from.y) > FAR;
      if (from.moves) setAt({ word: from.word, x, y, over: layerAt(x, y) });
    },
    lift: ({ clientX, clientY }) => {
      const from = held.current;
      if (from?.moves) {
        hasDragged.current = true;
        const target = layerAt(clientX, clientY);
        if (target) write(target, from.word);
      }
      end();
    },
    cancel: end,
    put: (word) => {
      if (hasDragged.current) {
        hasDragged.current = false;
        return false;
      }
      write({ node: chosen.node, layer: chosen.layer }, word);
      return true;
    },
  };
}

function layerAt(x: number, y: number): Target | null {
  const element = document.elementFromPoint(x, y)?.closest<HTMLElement>("[data-layer]");
  const { node, layer } = element?.dataset ?? {};
  return node !== undefined && layer !== undefined ? { node, layer } : null;
}

function Ghost({ name, x, y }: { name: string; x: number; y: number }) {
  return createPortal(
    <div className="bend-ghost" style={{ translate: `${x}px ${y}px` }} aria-hidden="true">
      {name}
    </div>,
    document.body,
  );
}
