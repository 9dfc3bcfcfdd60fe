import "./palette.css";
import { type FormEvent, useRef, useState } from "react";
import { say, useShow } from "../live/show";
import { act } from "../modes/modes";
import { useModal } from "./useModal";

/** Asks under which name what is written gets a file of its own. The show goes on. */
export function Keep() {
  const dialog = useRef<HTMLDialogElement>(null);
  const suggested = useShow((show) => (show.patch?.name ?? "").replace(/\.ganz$/, ""));
  const [name, setName] = useState(suggested);
  useModal(dialog);

  const keep = (event: FormEvent) => {
    event.preventDefault();
    if (name.trim() === "") return;
    say({ kind: "keep_as", name: name.trim() });
    act("close");
  };

  return (
    <dialog className="keep" aria-label="Keep under a name" ref={dialog} onCancel={() => act("close")}>
      <form onSubmit={keep}>
        <label>
          Keep it as
          <input
            type="text"
            value={name}
            maxLength={80}
            spellCheck={false}
            autoComplete="off"
            onChange={(event) => setName(event.target.value)}
            onFocus={(event) => event.target.select()}
          />
        </label>
        <button type="submit" className="answer">
          Keep
        </button>
        <button type="button" onClick={() => act("close")}>
          <kbd>Esc</kbd>never mind
        </button>
      </form>
    </dialog>
  );
}
