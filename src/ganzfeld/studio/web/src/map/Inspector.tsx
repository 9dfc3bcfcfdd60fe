import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { atDesk, useShow } from "../live/show";
import type { MapInput, MapNode, MapNumber, PatchMap } from "../live/wire";
import {
  bypass,
  connect,
  disconnect,
  drive,
  goTo,
  nameOf,
  remove,
  rename,
  type Source,
  solo,
  write,
} from "./acts";
import { isUnread } from "./layout";
import { Mark } from "./NodeCard";
import { NumberSlider, useNumber } from "./NumberSlider";

interface Props {
  map: PatchMap;
  node: MapNode;
  /** The number whose driver is being chosen ("spin rotate"), "" for none. */
  asked: string;
  ask(key: string): void;
  /** A node is to be added that reads this one. */
  add(): void;
  close(): void;
}

export const keyOf = (number: MapNumber) => `${number.line} ${number.name}`;

/** All of the node that is chosen, beside the map. */
export function Inspector({ map, node, asked, ask, add, close }: Props) {
  const [more, setMore] = useState(false);
  const isNode = node.type !== "knob" && node.type !== "signal";
  const isGiven = (number: MapNumber) => number.text !== "" || number.kind === "knob";
  const given = node.numbers.filter(isGiven);
  const others = node.numbers.filter((number) => !isGiven(number));
  const shown = more || given.length === 0 ? others : [];
  const sources = (input: MapInput) =>
    map.nodes.filter(({ name, makes }) => name !== node.name && makes.includes(input.makes));
  return (
    <aside
      className="map-inspector"
      aria-label={`${node.type} ${nameOf(node.name)}`}
      data-testid="map-inspector"
    >
      <div className="map-inspector-head">
        <Name key={node.name} node={node} />
        <span className="map-type">{node.type}</span>
        <button type="button" aria-label="Close" onClick={close}>
          ✕
        </button>
      </div>
      <div className="map-acts">
        {node.passes && (
          <button type="button" aria-pressed={node.bypass} onClick={() => bypass(node)}>
            bypass
          </button>
        )}
        {!node.output && node.makes.includes("image") && (
          <button type="button" aria-pressed={node.solo} onClick={() => solo(node)}>
            solo
          </button>
        )}
        {isNode && !node.output && (
          <button type="button" onClick={add}>
            add after
          </button>
        )}
        <button type="button" onClick={() => remove(node.name)}>
          delete
        </button>
      </div>
      {isUnread(map, node) && (
        <p className="map-unread">
          Nothing reads it yet, so it is not seen. Drag the dot on its right edge to the node that is to read
          it.
        </p>
      )}
      <ol className="map-lines" aria-label="Lines in the text">
        <li>
          <button type="button" onClick={() => goTo(node.at)} title="Go to this line">
            <b>{node.at}</b>
            {nameOf(node.name)}
          </button>
        </li>
        {node.lines.map((line) => (
          <li key={line.name} className={line.mute ? "muted" : ""}>
            <button type="button" onClick={() => goTo(line.at)} title="Go to this line">
              <b>{line.at}</b>
              {line.text.slice(line.text.indexOf(".") + 1)}
            </button>
          </li>
        ))}
      </ol>
      {node.inputs.map((input) => (
        <div key={input.name} className="map-input">
          <span>{input.name}</span>
          <select
            aria-label={input.name}
            value={input.source}
            onChange={({ target }) =>
              void (target.value
                ? connect(node.name, input.name, target.value)
                : disconnect(node.name, input.name))
            }
          >
            {(!input.required || !input.source) && <option value="">nothing</option>}
            {sources(input).map(({ name }) => (
              <option key={name} value={name}>
                {nameOf(name)}
              </option>
            ))}
          </select>
        </div>
      ))}
      {[...given, ...shown].map((number) => (
        <Parameter
          key={keyOf(number)}
          map={map}
          node={node}
          number={number}
          open={asked === keyOf(number)}
          ask={() => ask(asked === keyOf(number) ? "" : keyOf(number))}
        />
      ))}
      {others.length > shown.length && (
        <button type="button" className="map-more" onClick={() => setMore(true)}>
          {others.length} more, as they are by default
        </button>
      )}
    </aside>
  );
}

/** The node's name; another one is written wherever the text speaks of it. */
function Name({ node }: { node: MapNode }) {
  return (
    <Field
      label="Name"
      className="map-rename"
      value={nameOf(node.name)}
      take={(name) => void rename(node.name, name)}
    />
  );
}

function Parameter({
  map,
  node,
  number,
  open,
  ask,
}: {
  map: PatchMap;
  node: MapNode;
  number: MapNumber;
  open: boolean;
  ask(): void;
}) {
  const label = [number.line, number.name].filter(Boolean).join(" ") || nameOf(node.name);
  const slides = number.low !== null && number.address !== "";
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (open) place.current?.scrollIntoView({ block: "nearest" });
  }, [open]);
  return (
    <div className={`map-number${number.text ? "" : " unwritten"}`} ref={place}>
      <span className="map-parameter" title={number.doc}>
        {label}
      </span>
      {slides ? (
        <NumberSlider node={node} number={number} />
      ) : number.options.length > 0 ? (
        <Options node={node} number={number} label={label} />
      ) : (
        <Field
          label={label}
          value={number.text}
          hint={number.default}
          take={(text) => void write(node.name, number, text)}
        />
      )}
      {slides ? <Mark number={number} ask={ask} label={label} open={open} /> : <span />}
      {open && slides && <Drivers map={map} node={node} number={number} label={label} done={ask} />}
    </div>
  );
}

function Options({ node, number, label }: { node: MapNode; number: MapNumber; label: string }) {
  const options =
    number.options.includes(number.text) || !number.text ? number.options : [number.text, ...number.options];
  return (
    <select
      aria-label={label}
      value={number.text}
      onChange={({ target }) => void write(node.name, number, target.value)}
    >
      <option value="">{number.default || "—"}</option>
      {options
        .filter((option) => option !== number.default || option === number.text)
        .map((option) => (
          <option key={option} value={option}>
            {option}
          </option>
        ))}
    </select>
  );
}

/** Who is to turn a number. */
function Drivers({
  map,
  node,
  number,
  label,
  done,
}: {
  map: PatchMap;
  node: MapNode;
  number: MapNumber;
  label: string;
  done(): void;
}) {
  const { value, held } = useNumber(number);
  const desk = useShow((show) => show.desk);
  const stands = value ?? number.value ?? number.low ?? 0;
  const isKnob = number.kind === "knob";
  const to = (by: Source) => () => {
    done();
    void drive(node, number, by, stands);
  };
  const knobs = map.nodes.filter(({ type, name }) => type === "knob" && !number.reads.includes(name));
  const control = desk?.knobs.find(({ address }) => address === number.address);
  return (
    <fieldset className="map-drivers">
      <legend>Who turns {label}</legend>
      {!isKnob && (
        <Field
          label={`${label}, as it is written`}
          value={number.text}
          hint={number.default}
          take={(text) => void write(node.name, number, text)}
        />
      )}
      {held && (
        <button
          type="button"
          onClick={() => {
            done();
            atDesk({ kind: "release", address: number.address });
          }}
        >
          give back to the text
        </button>
      )}
      {isKnob ? (
        <button type="button" onClick={() => atDesk({ kind: "learn", target: number.address })}>
          {control?.midi ? `MIDI ${control.midi}: learn another` : "learn MIDI"}
        </button>
      ) : (
        <>
          <button type="button" onClick={to("number")}>
            text: {stands.toPrecision(3)}
          </button>
          {number.text && (
            <button type="button" onClick={to("default")}>
              default
            </button>
          )}
          {knobs.map(({ name }) => (
            <button
              type="button"
              key={name}
              onClick={() => {
                done();
                void write(node.name, number, name);
              }}
            >
              knob {name}
            </button>
          ))}
          <button type="button" onClick={to("new knob")}>
            new knob
          </button>
          <button type="button" onClick={to("midi")}>
            MIDI …
          </button>
          <button type="button" onClick={to("osc")}>
            OSC
          </button>
          <button type="button" onClick={to("sound")}>
            sound
          </button>
        </>
      )}
    </fieldset>
  );
}

/** A piece of the text that is written anew with Enter, or when it is left. */
function Field({
  label,
  value,
  take,
  hint = "",
  className = "",
}: {
  label: string;
  value: string;
  take(text: string): void;
  hint?: string;
  className?: string;
}) {
  const [typed, setTyped] = useState<string | null>(null);
  const given = useRef(true);
  const end = () => {
    if (given.current && typed !== null && typed.trim() !== value) take(typed.trim());
    given.current = true;
    setTyped(null);
  };
  const key = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === "Escape") given.current = false;
    else if (event.key !== "Enter") return;
    event.stopPropagation();
    // Leaving it ends it, once.
    event.currentTarget.blur();
  };
  return (
    <input
      type="text"
      className={className}
      aria-label={label}
      value={typed ?? value}
      placeholder={hint}
      spellCheck={false}
      autoComplete="off"
      onChange={({ target }) => setTyped(target.value)}
      onBlur={end}
      onKeyDown={key}
    />
  );
}
