import "./palette.css";
import { useRef } from "react";
import { SHEET } from "../keys";
import { act } from "../modes/modes";
import { useModal } from "./useModal";

/** All keys, on a sheet over the page. */
export function Sheet() {
  const dialog = useRef<HTMLDialogElement>(null);
  useModal(dialog);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Esc closes it, too (keys.ts)
    <dialog
      className="sheet"
      aria-label="Keys"
      ref={dialog}
      onCancel={() => act("close")}
      onClick={(event) => event.target === event.currentTarget && act("close")}
    >
      <button type="button" className="sheet-close" onClick={() => act("close")}>
        <kbd>Esc</kbd>close
      </button>
      <div className="sheet-columns">
        {SHEET.map(({ title, keys }) => (
          <section key={title}>
            <h2>{title}</h2>
            <dl>
              {keys.map(([key, does]) => (
                <div key={key}>
                  <dt>{key}</dt>
                  <dd>{does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
    </dialog>
  );
}
