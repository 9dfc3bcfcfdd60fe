/** Film strips under the number that the caret or the pointer rests on. */

import { completionStatus } from "@codemirror/autocomplete";
import { StateEffect, StateField, type Transaction } from "@codemirror/state";
import {
  type EditorView,
  keymap,
  showTooltip,
  type Tooltip,
  ViewPlugin,
  type ViewUpdate,
} from "@codemirror/view";
import { currentModes } from "../modes/modes";
import { draggedNumber, setDragged } from "../text/dragging/shown";
import { playText } from "../text/editing";
import { currentWords } from "../text/words";
import { filmstrip } from "./filmstrip";
import { type Strip, stripAt } from "./values";

interface Shown {
  strip: Strip;
  by: "caret" | "pointer";
}

/** How long the caret, and the pointer, rest before there is a strip (ms); and how long it stays behind them. */
const CARET_RESTS = 700;
const POINTER_RESTS = 600;
const STAYS = 350;
/** Room for the grip under a number, in pixels. */
const BELOW = 16;
const WIDEST = 900;

const setStrip = StateEffect.define<Shown | null>();

const shownStrip = StateField.define<Shown | null>({
  create: () => null,
  update(shown, transaction) {
    const told = transaction.effects.findLast((effect) => effect.is(setStrip));
    if (told) return told.value as Shown | null;
    if (!shown || transaction.docChanged || isDragged(transaction)) return null;
    if (shown.by === "caret" && transaction.selection) {
      const { head } = transaction.newSelection.main;
      if (head < shown.strip.from || shown.strip.to < head) return null;
    }
    return shown;
  },
  provide: (field) => showTooltip.from(field, (shown) => shown && tooltip(shown.strip)),
});

function isDragged(transaction: Transaction): boolean {
  return transaction.effects.some((effect) => effect.is(setDragged));
}

function tooltip(strip: Strip): Tooltip {
  return {
    pos: strip.from,
    above: false,
    create(view) {
      const { state } = view;
      const room = Math.min(view.dom.getBoundingClientRect().width - 24, WIDEST);
      const frames = strip.values.map((value, index) => {
        const isNow = index === strip.now;
        const change = isNow ? [] : { from: strip.from, to: strip.to, insert: value };
        return { word: value, isNow, variant: isNow ? {} : { changes: state.changes(change) } };
      });
      const { dom, stop } = filmstrip(frames, room, (index) => take(view, strip, index));
      return { dom, destroy: stop, offset: { x: 0, y: BELOW } };
    },
  };
}

/** Writes the value and plays it, as letting go of a dragged number does. */
function take(view: EditorView, strip: Strip, index: number): void {
  const value = strip.values[index];
  if (value === undefined || view.state.readOnly) return;
  view.dispatch({
    changes: index === strip.now ? [] : { from: strip.from, to: strip.to, insert: value },
    effects: setStrip.of(null),
    userEvent: "drag",
  });
  if (index !== strip.now) playText("block", true, strip.from);
}

class StripLooks {
  private readonly view: EditorView;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private leaving: ReturnType<typeof setTimeout> | undefined;
  /** Where the pointer rests, if that is a number. */
  private over: number | null = null;

  constructor(view: EditorView) {
    this.view = view;
    document.addEventListener("pointermove", this.point);
    document.addEventListener("pointerdown", this.press, { capture: true });
    view.scrollDOM.addEventListener("scroll", this.hide);
  }

  update(update: ViewUpdate): void {
    if (update.docChanged) {
      this.wait(null);
      return;
    }
    if (update.focusChanged && !update.view.hasFocus && this.shown?.by === "caret") this.later(this.hide);
    if (!update.selectionSet || !update.view.hasFocus || currentModes().mode !== "edit") return;
    const { head, empty } = update.state.selection.main;
    this.wait(empty && !this.shown ? () => this.look(head, "caret") : null, CARET_RESTS);
  }

  destroy(): void {
    this.wait(null);
    clearTimeout(this.leaving);
    document.removeEventListener("pointermove", this.point);
    document.removeEventListener("pointerdown", this.press, { capture: true });
    this.view.scrollDOM.removeEventListener("scroll", this.hide);
  }

  private get shown(): Shown | null {
    return this.view.state.field(shownStrip);
  }

  private wait(call: (() => void) | null, time = 0): void {
    clearTimeout(this.timer);
    this.timer = call ? setTimeout(call, time) : undefined;
  }

  private later(call: () => void): void {
    clearTimeout(this.leaving);
    this.leaving = setTimeout(call, STAYS);
  }

  private look(place: number, by: Shown["by"]): void {
    const { state } = this.view;
    const isClosed = state.readOnly || currentModes().locked || currentModes().open !== "nothing";
    if (isClosed || completionStatus(state) !== null || state.field(draggedNumber).size > 0) return;
    const strip = stripAt(state, Math.min(place, state.doc.length), currentWords(), by === "pointer");
    if (strip) this.view.dispatch({ effects: setStrip.of({ strip, by }) });
  }

  private readonly hide = (): void => {
    this.wait(null);
    this.over = null;
    if (this.shown) this.view.dispatch({ effects: setStrip.of(null) });
  };

  private readonly point = (event: PointerEvent): void => {
    if (event.buttons > 0) {
      this.wait(null);
      return;
    }
    const { shown } = this;
    if (shown?.by === "pointer") {
      if (this.isNear(event, shown.strip)) clearTimeout(this.leaving);
      else this.later(this.hide);
      return;
    }
    const place = this.numberAt(event);
    if (place === this.over) return;
    this.over = place;
    if (!shown) this.wait(place === null ? null : () => this.look(place, "pointer"), POINTER_RESTS);
  };

  private readonly press = (event: PointerEvent): void => {
    const strip = this.view.dom.querySelector(".filmstrip");
    if (event.target instanceof Node && strip?.contains(event.target)) return;
    this.over = null;
    this.wait(null);
    if (this.shown?.by === "pointer") this.hide();
    // A finger that rests on a number is a pointer, too.
    const place = event.pointerType === "mouse" ? null : this.numberAt(event);
    if (place !== null) this.wait(() => this.look(place, "pointer"), POINTER_RESTS);
  };

  /** Where the number begins that is under the pointer; null: there is none. */
  private numberAt(event: PointerEvent): number | null {
    if (!(event.target instanceof Element) || !event.target.closest(".cm-content, .grip")) return null;
    const place = this.view.posAtCoords({ x: event.clientX, y: event.clientY });
    const strip = place === null ? null : stripAt(this.view.state, place, currentWords(), true);
    const end = strip && this.view.coordsAtPos(strip.to, -1);
    return end && event.clientX <= end.right + 4 ? strip.from : null;
  }

  /** On the number, on its strip, or on the way between. */
  private isNear({ clientX: x, clientY: y }: PointerEvent, { from, to }: Strip): boolean {
    const start = this.view.coordsAtPos(from, 1);
    const end = this.view.coordsAtPos(to, -1);
    const box = this.view.dom.querySelector(".filmstrip")?.getBoundingClientRect();
    if (!start || !end || !box) return false;
    const isOn = (left: number, top: number, right: number, bottom: number) =>
      x >= left - 8 && x <= right + 8 && y >= top - 4 && y <= bottom + 8;
    if (isOn(box.left, box.top, box.right, box.bottom)) return true;
    const [top, bottom] = [Math.min(start.top, box.top), Math.max(end.bottom, box.bottom)];
    return isOn(start.left, top, end.right, bottom);
  }
}

/** Alt+1 to Alt+5 take a picture of the strip that is there. */
const stripKeys = keymap.of(
  [1, 2, 3, 4, 5].map((number) => ({
    key: `Alt-${number}`,
    run(view: EditorView): boolean {
      const shown = view.state.field(shownStrip);
      if (shown) take(view, shown.strip, number - 1);
      return shown !== null;
    },
  })),
);

export const strips = [shownStrip, stripKeys, ViewPlugin.fromClass(StripLooks)];
