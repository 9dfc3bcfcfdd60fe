import { redoDepth, undoDepth } from "@codemirror/commands";
import { Compartment, EditorState, Transaction } from "@codemirror/state";
import { EditorView, keymap } from "@codemirror/view";
import { type RefObject, useEffect, useRef } from "react";
import { atDesk, hearAll, say, useShow } from "../live/show";
import { act, currentModes, useModes } from "../modes/modes";
import { strips } from "../strips/inText";
import { conflictMarks } from "./conflicts";
import { DocumentConnection } from "./document/connection";
import { grip } from "./dragging/grip";
import { draggedNumber } from "./dragging/shown";
import { attach, leaveText, setFacts, setSeen, writer } from "./editing";
import { fontSize } from "./fit";
import { looking } from "./looking/looking";
import { setChanged } from "./marks";
import { numberClicks } from "./numbers";
import { isOnText } from "./pointing";
import { problemMarks } from "./problems";
import { editor, textKeys } from "./setup";
import { useMarks } from "./useMarks";
import { followCaret, useWriters } from "./useWriters";
import { unplayedLines } from "./written";

const permission = new Compartment();
const readOnly = [EditorState.readOnly.of(true), EditorView.editable.of(false)];

/** The one editor of the page. It hears of the document also where it does not show (a phone shows it late). */
let editorView: EditorView | null = null;

/** Makes the editor; to be called before the page is drawn, and before the studio says its first word. */
export function openEditor(): void {
  editorView ??= open();
}

/** The patch's text over the picture, to be read and written. */
export function PatchText({ zoom }: { zoom: number }) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef(editorView);
  const locked = useModes((modes) => modes.locked);
  const editing = useModes((modes) => modes.mode === "edit");

  useEffect(() => {
    const shown = view.current;
    if (!place.current || !shown) return;
    place.current.append(shown.dom);
    shown.requestMeasure();
    return () => {
      leaveText();
      shown.dom.remove();
      setSeen(false);
    };
  }, []);

  const closed = useShow((show) => show.you?.role === "watch") || locked;
  useEffect(() => {
    view.current?.dispatch({ effects: permission.reconfigure(closed ? readOnly : []) });
    if (closed) leaveText();
  }, [closed]);

  useMarks(view);
  useWriters(view);
  useSize(place, view, zoom, editing);

  return (
    <div
      className="patch"
      ref={place}
      onMouseDownCapture={(event) => picturePressed(event.nativeEvent, view.current)}
    />
  );
}

function leaveByKey(): boolean {
  leaveText();
  return true;
}

/** A press beside the words is one on the picture: it leaves the text. */
function picturePressed(event: MouseEvent, view: EditorView | null): void {
  if (
    !view ||
    !(event.target instanceof Element) ||
    event.target.closest(".cm-panels, .cm-tooltip, .conflict")
  )
    return;
  if (!currentModes().locked && isOnText(view, event)) return;
  event.preventDefault();
  event.stopPropagation();
  leaveText();
}

/** Makes the editor and joins it to the studio's document. */
function open(): EditorView {
  const connection: DocumentConnection = new DocumentConnection(
    {
      state: () => view.state,
      dispatch: (change) => (change instanceof Transaction ? view.dispatch(change) : view.dispatch(change)),
      say,
      shelf: writer().shelf,
      mark: (from, to) => setChanged.of({ from, to }),
      unmark: () => setChanged.of(null),
    },
    writer().client,
  );
  const view: EditorView = new EditorView({
    extensions: [
      editor,
      permission.of([]),
      connection.extension,
      keymap.of([{ key: "Escape", run: leaveByKey }]),
      textKeys,
      conflictMarks((number, take) => say({ kind: "resolve", number, take })),
      numberClicks((target) => atDesk({ kind: "learn", target })),
      EditorView.cspNonce.of(nonce()),
      looking,
      draggedNumber,
      grip,
      strips,
      followCaret(connection),
      EditorView.updateListener.of((update) => {
        if (update.docChanged && !update.transactions.some((each) => each.annotation(Transaction.remote)))
          connection.typed();
        const known = connection.isPlaced;
        const { standing } = update.state.field(problemMarks);
        const unplayed = known ? unplayedLines(update.state) : 0;
        setFacts({
          ...{ known, unplayed, standing, unsent: connection.hasUnsent },
          ...{ undoes: undoDepth(update.state) > 0, redoes: redoDepth(update.state) > 0 },
        });
      }),
    ],
  });
  attach(view, connection);
  const left = () => {
    // The search panel belongs to the text, too; a window that lost the focus has not left it.
    setTimeout(() => {
      if (!view.dom.contains(document.activeElement)) act("leave text");
    });
  };
  view.dom.addEventListener("focusout", left);
  // Not by CodeMirror's own effect: that leaves out a focus that went and came back within some milliseconds, as it does
  // when the palette is closed at once, and `left` has been called meanwhile.
  view.contentDOM.addEventListener("focus", () => act("enter text"));
  hearAll((message) => {
    if (message.kind === "live") connection.setLive(message.live);
    else if (message.kind === "document") connection.takeDocument(message);
    else if (message.kind === "updates") connection.takeUpdates(message);
  });
  return view;
}

/** The text is as large as fits, and stays so while it is written. */
function useSize(
  place: RefObject<HTMLDivElement | null>,
  view: RefObject<EditorView | null>,
  zoom: number,
  editing: boolean,
): void {
  const text = useShow((show) => show.patch?.text ?? "");
  useEffect(() => {
    const box = place.current;
    if (!box) return;
    if (editing) {
      const stay = new ResizeObserver(() => keepCaretInSight(view.current));
      stay.observe(box);
      return () => stay.disconnect();
    }
    const adapt = () => {
      // The text's box but for its scrollbar.
      const width = view.current?.scrollDOM.clientWidth || box.clientWidth;
      const size = fontSize(view.current?.state.doc.toString() || text, width, box.clientHeight);
      box.style.setProperty("--text-size", `${size * zoom}px`);
      view.current?.requestMeasure();
    };
    const observer = new ResizeObserver(adapt);
    observer.observe(box);
    adapt();
    return () => observer.disconnect();
  }, [place, view, text, zoom, editing]);
}

function keepCaretInSight(view: EditorView | null): void {
  if (!view?.hasFocus) return;
  view.dispatch({ effects: EditorView.scrollIntoView(view.state.selection.main.head, { yMargin: 64 }) });
}

/** The nonce that lets CodeMirror add its style sheet under the page's policy. */
function nonce(): string {
  return document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce ?? "";
}
