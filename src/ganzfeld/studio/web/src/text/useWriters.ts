import { EditorView } from "@codemirror/view";
import { type RefObject, useEffect } from "react";
import { say, useShow } from "../live/show";
import { setCarets } from "./carets";
import type { DocumentConnection } from "./document/connection";
import { ownClient } from "./editing";

/** So often at most others are told where the caret is (ms). */
const TELL_EVERY = 120;

/** Shows where other writers are. */
export function useWriters(view: RefObject<EditorView | null>): void {
  const carets = useShow((show) => show.carets);
  useEffect(() => {
    if (!carets) return;
    const others = carets.carets.filter((caret) => caret.client !== ownClient());
    view.current?.dispatch({ effects: setCarets.of(others) });
  }, [view, carets]);
}

/** Tells other writers where the caret is, and when it leaves the text. */
export function followCaret(connection: DocumentConnection) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const tell = (view: EditorView) => {
    timer = undefined;
    connection.whenSent(() => {
      const { anchor, head } = view.state.selection.main;
      const { client, log, version } = connection;
      say({ kind: "caret", client, log, version, anchor, head: view.hasFocus ? head : null });
    });
  };
  return EditorView.updateListener.of((update) => {
    if (!update.selectionSet && !update.focusChanged && !(update.docChanged && update.view.hasFocus)) return;
    if (timer === undefined)
      timer = setTimeout(() => tell(update.view), update.focusChanged ? 0 : TELL_EVERY);
  });
}
