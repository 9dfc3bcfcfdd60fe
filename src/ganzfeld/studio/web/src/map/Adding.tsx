import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import type { MapNode } from "../live/wire";
import { useWords } from "../text/words";
import { nameOf } from "./acts";

interface Props {
  /** The node that the new one is to read, if one is chosen. */
  of: MapNode | null;
  /** What reads `of` and is to read the new one instead. */
  into: { reader: string; input: string } | null;
  take(type: string): void;
  close(): void;
}

/** A list of what can be added, found by typing. */
export function Adding({ of, into, take, close }: Props) {
  const words = useWords();
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const field = useRef<HTMLInputElement>(null);
  const list = useRef<HTMLUListElement>(null);
  useEffect(() => field.current?.focus(), []);

  const nodes = (words?.nodes ?? []).filter((node) => fits(node, of, into !== null));
  const knob = { name: "knob", doc: "A number for a hand, a controller or OSC." };
  const all = [...nodes, ...(into ? [] : [knob])];
  const asked = typed.trim().toLowerCase();
  const found = all.filter(
    ({ name, doc }) => name.includes(asked) || (asked.length > 2 && doc.toLowerCase().includes(asked)),
  );
  // What reads something comes first where something is to be read.
  const rank = (node: { name: string; parameters?: readonly { kind: string }[] }) =>
    2 * Number(asked !== "" && node.name.startsWith(asked)) +
    Number(of !== null && (node.parameters?.some(({ kind }) => kind === "input") ?? false));
  found.sort((a, b) => rank(b) - rank(a));
  const chosen = Math.min(at, found.length - 1);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is chosen is brought into sight
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" });
  }, [chosen]);

  const key = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined) setAt(Math.min(Math.max(chosen + step, 0), found.length - 1));
    else if (event.key === "Escape") close();
    else if (event.key === "Enter" && found[chosen]) take(found[chosen].name);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const where = into
    ? `between ${nameOf(of?.name ?? "")} and ${nameOf(into.reader)}`
    : of
      ? `after ${nameOf(of.name)}`
      : "";
  return (
    <div className="map-adding" role="dialog" aria-label="Add a node">
      <input
        ref={field}
        type="text"
        role="combobox"
        aria-expanded="true"
        aria-controls="map-adding-list"
        aria-activedescendant={found[chosen] && `map-adding-${chosen}`}
        aria-label={`Add a node ${where}`}
        placeholder={`add ${where || "a node"} …`}
        spellCheck={false}
        autoComplete="off"
        value={typed}
        onChange={({ target }) => {
          setTyped(target.value);
          setAt(0);
        }}
        onKeyDown={key}
      />
      {/* biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: a list that is chosen from */}
      <ul id="map-adding-list" role="listbox" ref={list} tabIndex={-1} aria-label="What can be added">
        {found.map(({ name, doc }, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the field above has the keys
          <li
            key={name}
            id={`map-adding-${index}`}
            // biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: one of the list
            role="option"
            tabIndex={-1}
            aria-selected={index === chosen}
            onPointerMove={() => setAt(index)}
            onClick={() => take(name)}
          >
            <b>{name}</b>
            <span>{/^[\s\S]*?\.(?=\s|$)/.exec(doc)?.[0].replaceAll("\n", " ") ?? doc}</span>
          </li>
        ))}
        {found.length === 0 && <li className="none">{words ? "Nothing is called so." : "Looking up …"}</li>}
      </ul>
      <button type="button" onClick={close}>
        close
      </button>
    </div>
  );
}

/** Whether a node of this type can read what is chosen, and, in a wire, be read instead of it. */
function fits(
  type: { makes: readonly string[]; parameters: readonly { kind: string }[] },
  of: MapNode | null,
  between: boolean,
): boolean {
  if (between && type.makes.length === 0) return false;
  if (!of) return true;
  return !between || type.parameters.some(({ kind }) => kind === "input");
}
