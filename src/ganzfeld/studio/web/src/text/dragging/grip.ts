/** A grip under the number that the pointer (or a finger) is at. Dragging it turns the number. */

import { type EditorView, ViewPlugin, type ViewUpdate } from "@codemirror/view";
import { currentModes } from "../../modes/modes";
import { edit } from "../editing";
import { numberMarks } from "../numbers";
import { currentWords } from "../words";
import { NumberDrag } from "./drag";
import { type Draggable, draggableAt } from "./numbers";

/** A hand that clicks moves so little, in pixels. */
const SLACK = 3;

class Grip {
  private readonly view: EditorView;
  private readonly dom: HTMLElement;
  private at: Draggable | null = null;
  private drag: NumberDrag | null = null;
  /** Where a hand has pressed on the number itself: until it moves, it may mean a click. */
  private pressed: { x: number; y: number } | null = null;

  constructor(view: EditorView) {
    this.view = view;
    this.dom = document.createElement("div");
    this.dom.className = "grip";
    this.dom.hidden = true;
    this.dom.setAttribute("aria-hidden", "true");
    this.dom.title = "Drag: turn it. Shift: finer. Double click: its default";
    this.dom.addEventListener("pointerdown", this.press);
    this.dom.addEventListener("pointermove", this.move);
    this.dom.addEventListener("pointerup", this.lift);
    this.dom.addEventListener("pointercancel", this.lift);
    this.dom.addEventListener("dblclick", this.reset);
    view.scrollDOM.append(this.dom);
    view.scrollDOM.addEventListener("pointermove", this.look);
    view.scrollDOM.addEventListener("pointerdown", this.look);
    view.scrollDOM.addEventListener("pointerleave", this.leave);
  }

  update(update: ViewUpdate): void {
    if (this.drag || !update.docChanged) return;
    this.hide();
  }

  destroy(): void {
    this.drag?.cancel();
    this.view.scrollDOM.removeEventListener("pointermove", this.look);
    this.view.scrollDOM.removeEventListener("pointerdown", this.look);
    this.view.scrollDOM.removeEventListener("pointerleave", this.leave);
    this.dom.remove();
  }

  private readonly look = (event: PointerEvent): void => {
    if (this.drag || event.target === this.dom || (event.type === "pointermove" && event.buttons > 0)) return;
    const isClosed = currentModes().locked || this.view.state.readOnly;
    const place = isClosed ? null : this.view.posAtCoords({ x: event.clientX, y: event.clientY });
    const found = place === null ? null : draggableAt(this.view.state, place, currentWords());
    if (found && this.isOver(event, found)) {
      this.show(found);
      this.pressDigits(event);
    } else if (!this.isNear(event)) this.hide();
  };

  private readonly leave = (): void => {
    if (!this.drag) this.hide();
  };

  /** In PLAY a mouse turns a number by its digits, too; in EDIT it selects them. */
  private pressDigits(event: PointerEvent): void {
    const isPress = event.type === "pointerdown" && event.pointerType === "mouse";
    if (!isPress || currentModes().mode !== "play" || this.view.state.field(numberMarks).learnable) return;
    this.press(event);
    if (this.drag) this.pressed = { x: event.clientX, y: event.clientY };
  }

  private readonly press = (event: PointerEvent): void => {
    if (event.button !== 0 || !this.at) return;
    event.preventDefault();
    event.stopPropagation();
    this.dom.setPointerCapture(event.pointerId);
    this.drag = new NumberDrag(this.view, this.at, event.clientX);
    this.dom.classList.add("held");
  };

  private readonly move = (event: PointerEvent): void => {
    if (this.pressed && Math.abs(event.clientX - this.pressed.x) < SLACK) return;
    this.pressed = null;
    this.drag?.move(event.clientX, event.shiftKey);
  };

  private readonly lift = (): void => {
    const drag = this.drag;
    const click = this.pressed && this.view.posAtCoords(this.pressed);
    this.drag = this.pressed = null;
    this.dom.classList.remove("held");
    if (click !== null) {
      this.view.dispatch({ selection: { anchor: click } });
      edit();
      return;
    }
    if (drag?.letGo()) this.hide();
  };

  private readonly reset = (event: MouseEvent): void => {
    event.preventDefault();
    if (!this.at) return;
    new NumberDrag(this.view, this.at, 0).reset();
    this.hide();
  };

  private show(number: Draggable): void {
    const start = this.view.coordsAtPos(number.from, 1);
    const end = this.view.coordsAtPos(number.to, -1);
    if (!start || !end || end.top !== start.top) {
      this.hide();
      return;
    }
    this.at = number;
    const scroller = this.view.scrollDOM.getBoundingClientRect();
    const { style } = this.dom;
    style.left = `${start.left - scroller.left + this.view.scrollDOM.scrollLeft}px`;
    style.top = `${start.bottom - scroller.top + this.view.scrollDOM.scrollTop}px`;
    style.width = `${end.right - start.left}px`;
    this.dom.hidden = false;
    this.view.scrollDOM.classList.add("over-number");
  }

  private hide(): void {
    this.at = null;
    this.dom.hidden = true;
    this.view.scrollDOM.classList.remove("over-number");
  }

  private isOver({ clientX, clientY }: PointerEvent, { from, to }: Draggable): boolean {
    const start = this.view.coordsAtPos(from, 1);
    const end = this.view.coordsAtPos(to, -1);
    if (!start || !end) return false;
    return (
      clientX >= start.left - 4 && clientX <= end.right + 4 && clientY >= start.top && clientY <= end.bottom
    );
  }

  /** On the way from the number to its grip. */
  private isNear({ clientX, clientY }: PointerEvent): boolean {
    if (this.dom.hidden) return false;
    const box = this.dom.getBoundingClientRect();
    return (
      clientX >= box.left - 8 &&
      clientX <= box.right + 8 &&
      clientY >= box.top - 12 &&
      clientY <= box.bottom + 4
    );
  }
}

export const grip = ViewPlugin.fromClass(Grip);
