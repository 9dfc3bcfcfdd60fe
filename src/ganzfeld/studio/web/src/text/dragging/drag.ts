/** One drag of a number: the engine follows the hand at the number's address; letting go writes one change. */

import type { EditorView } from "@codemirror/view";
import { atDesk, releaseWhenPlayed } from "../../live/show";
import { playText } from "../editing";
import type { Draggable } from "./numbers";
import { draggedNumber, draggedRange, setDragged } from "./shown";
import { dragged, writtenAs } from "./steps";

export class NumberDrag {
  private readonly view: EditorView;
  private readonly number: Draggable;
  private value: number;
  private x: number;
  private written: string;
  private waits = false;
  private over = false;

  constructor(view: EditorView, number: Draggable, x: number) {
    this.view = view;
    this.number = number;
    this.value = number.value;
    this.written = number.written;
    this.x = x;
  }

  /** The hand is at `x` pixels from the left now. fine: it wants small steps. */
  move(x: number, fine: boolean): void {
    this.value = dragged(this.number, this.value, x - this.x, fine);
    this.x = x;
    const written = writtenAs(this.number, this.value);
    if (written === this.written) return;
    this.written = written;
    const place = draggedRange(this.view.state.field(draggedNumber)) ?? this.number;
    this.view.dispatch({ effects: setDragged.of({ from: place.from, to: place.to, written }) });
    this.turn();
  }

  /** Writes what the hand has come to, and plays it; true if that is another number. */
  letGo(): boolean {
    this.over = true;
    return this.write(this.written);
  }

  /** Writes the number's default. */
  reset(): void {
    this.over = true;
    const { known } = this.number;
    if (known) this.write(String(Number(known.default.toPrecision(6))));
  }

  /** Leaves the text as it is. */
  cancel(): void {
    this.over = true;
    if (this.number.known) atDesk({ kind: "release", address: this.number.known.address });
  }

  private write(written: string): boolean {
    const place = draggedRange(this.view.state.field(draggedNumber)) ?? this.number;
    const isNew = written !== this.number.written;
    this.view.dispatch({
      changes: isNew ? { from: place.from, to: place.to, insert: written } : [],
      effects: setDragged.of(null),
      userEvent: "drag",
    });
    const address = this.number.known?.address;
    if (isNew) playText("block", true, place.from);
    if (address) releaseWhenPlayed(address, isNew);
    return isNew;
  }

  /** Turns the address, once a display refresh: a hand is faster than any show. */
  private turn(): void {
    if (this.waits || !this.number.known) return;
    this.waits = true;
    requestAnimationFrame(() => {
      this.waits = false;
      const { known } = this.number;
      if (known && !this.over) atDesk({ kind: "turn", address: known.address, value: Number(this.written) });
    });
  }
}
