import "./palette.css";
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from "react";
import { say } from "../live/show";
import { act } from "../modes/modes";
import { useWords } from "../text/words";
import { type Entry, entriesOf, GROUPS, type Group, type Listed } from "./entries";
import { fitting } from "./matching";
import { useModal } from "./useModal";

/** A list of all that can be done, opened or inserted, found by typing. */
export function Palette() {
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState(0);
  const patches = usePatches();
  const words = useWords();
  const entries = useMemo(
    () => entriesOf(words, patches, (what) => say({ kind: "open", what })),
    [words, patches],
  );
  const [group, setGroup] = useState<Group | null>(null);
  const found = fitting(group === null ? entries : entries.filter((entry) => entry.group === group), typed);
  const at = Math.min(chosen, found.length - 1);
  const list = useRef<HTMLUListElement>(null);
  const dialog = useRef<HTMLDialogElement>(null);

  useModal(dialog);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the chosen entry is brought into sight whenever it changes
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [at, typed]);

  const run = (entry: Entry | undefined) => {
    if (!entry) return;
    act("close");
    // After the dialog has given the focus back to where it was.
    setTimeout(entry.run);
  };
  const key = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 }[event.key];
    if (step !== undefined) setChosen(Math.min(Math.max(at + step, 0), found.length - 1));
    else if (event.key === "Enter") run(found[at]);
    else return;
    event.preventDefault();
  };

  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Esc closes it, too (keys.ts)
    <dialog
      className="palette"
      aria-label="Palette"
      ref={dialog}
      onCancel={() => act("close")}
      onClick={(event) => event.target === event.currentTarget && act("close")}
    >
      <input
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls="palette-list"
        aria-activedescendant={found[at] && `palette-${at}`}
        placeholder="A command, an example, a node …"
        spellCheck={false}
        autoComplete="off"
        value={typed}
        onChange={(event) => {
          setTyped(event.target.value);
          setChosen(0);
        }}
        onKeyDown={key}
      />
      <fieldset className="groups" aria-label="Of all that there is">
        {GROUPS.map((each) => (
          <button
            key={each}
            type="button"
            aria-pressed={group === each}
            onClick={() => {
              setGroup(group === each ? null : each);
              setChosen(0);
            }}
          >
            {each}
          </button>
        ))}
      </fieldset>
      <output className="count">
        {found.length === entries.length
          ? `${entries.length} things to do, bend, open and insert`
          : `${found.length} of ${entries.length}`}
      </output>
      {/* biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: a list that is chosen from */}
      <ul id="palette-list" role="listbox" ref={list} tabIndex={-1}>
        {found.map((entry, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys
          <li
            key={`${entry.group} ${entry.name} ${entry.about}`}
            id={`palette-${index}`}
            // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: one of the list
            role="option"
            tabIndex={-1}
            aria-selected={index === at}
            onPointerMove={() => setChosen(index)}
            onClick={() => run(entry)}
          >
            <span className="group">{entry.group}</span>
            <span className="entry">{entry.name}</span>
            <span className="about">{entry.about}</span>
            {entry.keys && <kbd>{entry.keys}</kbd>}
          </li>
        ))}
        {found.length === 0 && (
          <li className="none">
            {group === "bend" && typed === ""
              ? "No network plays, so there is nothing to bend."
              : "Nothing is called so."}
          </li>
        )}
      </ul>
    </dialog>
  );
}

const LISTS = ["/api/patches", "/api/examples"];

/** The person's own patches, then those that ship with Ganzfeld. */
function usePatches(): readonly Listed[] {
  const [lists, setLists] = useState<Readonly<Record<string, readonly Listed[]>>>({});
  useEffect(() => {
    const stop = new AbortController();
    for (const address of LISTS) {
      fetch(address, { signal: stop.signal })
        .then((answer) => (answer.ok ? answer.json() : []))
        .then((list: Listed[]) => setLists((before) => ({ ...before, [address]: list })))
        .catch(() => {}); // without them there are the commands
    }
    return () => stop.abort();
  }, []);
  return useMemo(() => LISTS.flatMap((address) => lists[address] ?? []), [lists]);
}
