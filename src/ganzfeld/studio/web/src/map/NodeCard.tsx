import { memo } from "react";
import type { MapNode, MapNumber } from "../live/wire";
import { bypass, goTo, nameOf, solo } from "./acts";
import { type Box, inputPlace, outputPlace, pictureHeight, rowsOf } from "./layout";
import { NumberSlider, useNumber, WHO, WORDS } from "./NumberSlider";
import { Thumbnail } from "./Thumbnail";

interface Props {
  node: MapNode;
  box: Box;
  chosen: boolean;
  /** The node that Tab leads to. */
  first: boolean;
  choose(name: string): void;
  /** A mark was pressed: who turns this number is to be chosen. */
  askDriver(name: string, number: MapNumber): void;
}

/** A node, a knob or a signal on the map. */
export const NodeCard = memo(function NodeCard({ node, box, chosen, first, choose, askDriver }: Props) {
  const { name } = node;
  const classes = [
    "map-node",
    chosen && "chosen",
    node.bypass && "bypassed",
    node.solo && "solo",
    `is-${node.makes[0] ?? "output"}`,
  ];
  const out = outputPlace(node);
  const picture = pictureHeight(node);
  return (
    // biome-ignore lint/a11y/useSemanticElements: a node is a group of what stands on it
    <div
      className={classes.filter(Boolean).join(" ")}
      style={{ left: box.x, top: box.y, width: box.width, height: box.height }}
      role="group"
      aria-roledescription="node"
      aria-label={described(node)}
      data-node={name}
      tabIndex={first ? 0 : -1}
      onFocus={(event) => event.target === event.currentTarget && choose(name)}
      onClick={() => choose(name)}
      onDoubleClick={() => goTo(node.at)}
      onKeyDown={() => {}}
    >
      <div className="map-head">
        <span className="map-name" title={nameOf(name)}>
          {name.split("/").at(-1)}
        </span>
        <span className="map-type">{node.type === name ? "" : node.type}</span>
        {node.passes && (
          <Flag
            name={`bypass ${name}`}
            mark="B"
            on={node.bypass}
            does="What reads it reads its input instead"
            press={() => bypass(node)}
          />
        )}
        {!node.output && node.makes.includes("image") && (
          <Flag
            name={`solo ${name}`}
            mark="S"
            on={node.solo}
            does="Every output shows it"
            press={() => solo(node)}
          />
        )}
      </div>
      {picture > 0 &&
        (node.bypass ? (
          <p className="map-picture" style={{ height: picture }}>
            bypassed
          </p>
        ) : (
          <Thumbnail node={name} height={picture} />
        ))}
      {rowsOf(node).map((number) => (
        <Row
          key={`${number.line} ${number.name}`}
          node={node}
          number={number}
          ask={() => askDriver(name, number)}
        />
      ))}
      {node.inputs.map(({ name: input, makes, source }) => (
        <span
          key={input}
          className={`map-port in of-${makes}${source ? "" : " free"}`}
          style={{ top: inputPlace(node, input).y }}
          data-port="in"
          data-input={input}
          title={`${input}: ${source ? `reads ${nameOf(source)}` : "reads nothing"}. Drag it to another node.`}
        />
      ))}
      {node.makes.length > 0 && (
        <span
          className={`map-port out of-${node.makes[0]}`}
          style={{ top: out.y }}
          data-port="out"
          title={`Drag it to what is to read ${nameOf(name)}.`}
        />
      )}
    </div>
  );
});

function Row({ node, number, ask }: { node: MapNode; number: MapNumber; ask(): void }) {
  return (
    <div className="map-row" data-line={number.line} data-parameter={number.name}>
      {number.name && (
        <span className="map-parameter" title={number.doc}>
          {number.line ? `${number.line} ${number.name}` : number.name}
        </span>
      )}
      {number.low === null ? (
        <code title={number.text}>{number.text}</code>
      ) : (
        <NumberSlider node={node} number={number} />
      )}
      <Mark number={number} ask={ask} label={`${number.line || nameOf(node.name)} ${number.name}`} />
    </div>
  );
}

/** Who turns a number; pressed, it can be somebody else. */
export function Mark({
  number,
  ask,
  label,
  open,
}: {
  number: MapNumber;
  ask(): void;
  label: string;
  open?: boolean;
}) {
  const { by } = useNumber(number);
  return (
    <button
      type="button"
      className={`map-mark by-${by}`}
      aria-label={`${label}: ${WHO[by]}. Choose who turns it`}
      aria-expanded={open}
      title={`${WHO[by]}. Click to choose who turns it.`}
      onClick={(event) => {
        event.stopPropagation();
        ask();
      }}
      onDoubleClick={(event) => event.stopPropagation()}
    >
      {WORDS[by]}
    </button>
  );
}

function Flag({
  name,
  mark,
  on,
  does,
  press,
}: {
  name: string;
  mark: string;
  on: boolean;
  does: string;
  press(): void;
}) {
  return (
    <button
      type="button"
      className="map-flag"
      aria-label={name}
      aria-pressed={on}
      title={`${does}. ${on ? "On" : "Off"}.`}
      onClick={(event) => {
        event.stopPropagation();
        press();
      }}
      onDoubleClick={(event) => event.stopPropagation()}
    >
      {mark}
    </button>
  );
}

/** A node in words: "levels bright, reads face". */
function described(node: MapNode): string {
  const reads = node.inputs.filter(({ source }) => source).map(({ source }) => nameOf(source));
  const words = [`${node.type} ${nameOf(node.name)}`];
  if (reads.length > 0) words.push(`reads ${reads.join(" and ")}`);
  if (node.bypass) words.push("bypassed");
  if (node.solo) words.push("solo");
  return words.join(", ");
}
