import type { View } from "../../live/atlas";
import type { InsideLayer, InsideNetwork } from "../../live/wire";
import { Cell } from "../CellCanvas";
import { show } from "./acts";
import { BlendSlider } from "./BlendSlider";
import type { Chosen } from "./chosen";
import type { Choose } from "./Layers";
import { type BlendAt, bentLayers, blendedWith, blendsAt, linesAt, sizeWords } from "./model";
import type { Target } from "./useBendDrag";

const THUMBNAIL = 128;

/** A network from latent to picture, and below it the sliders of a blend. */
export function Strip({
  network,
  chosen,
  choose,
  over,
}: {
  network: InsideNetwork;
  chosen: Chosen;
  choose: Choose;
  over: Target | null;
}) {
  const bent = bentLayers(network);
  const isOpen = chosen.node === network.node;
  const other = blendedWith(network, isOpen ? chosen.other : "");
  const blends = other === "" ? null : blendsAt(network, other);
  const isHere = (layer: string) => over?.node === network.node && over.layer === layer;
  return (
    <section
      className="strip"
      aria-label={`${network.node}: ${network.file}`}
      data-testid={`strip-${network.node}`}
    >
      <StripHead network={network} chosen={chosen} choose={choose} other={other} />
      <div className="strip-layers">
        <div className="layer-column">
          <Latent network={network} />
          {blends && <Slider at={blends.whole} network={network} other={other} word="all layers" />}
        </div>
        {network.layers.map((layer, index) => {
          const at = blends?.layers[index];
          return (
            <div className="layer-column" key={layer.name}>
              <LayerButton
                network={network}
                layer={layer}
                view={viewOf(network, layer, chosen)}
                isBent={bent.has(layer.name)}
                isChosen={isOpen && chosen.layer === layer.name}
                isOver={isHere(layer.name)}
                choose={choose}
              />
              {at && <Slider at={at} network={network} other={other} word={layer.short} />}
            </div>
          );
        })}
        <div className="layer-column">
          <Result network={network} isChosen={isOpen && chosen.layer === ""} choose={choose} />
        </div>
      </div>
    </section>
  );
}

function Slider({
  at,
  network,
  other,
  word,
}: {
  at: BlendAt;
  network: InsideNetwork;
  other: string;
  word: string;
}) {
  return (
    <BlendSlider
      key={`${network.node} ${other} ${at.target}`}
      at={at}
      network={network}
      other={other}
      word={word}
    />
  );
}

/** Whose strip it is, what it is made for, and with which network it is blended. */
function StripHead({
  network,
  chosen,
  choose,
  other,
}: {
  network: InsideNetwork;
  chosen: Chosen;
  choose: Choose;
  other: string;
}) {
  const isOpen = chosen.node === network.node;
  const others = other === "" || network.blends.includes(other) ? network.blends : [other, ...network.blends];
  return (
    <div className="strip-head">
      <button
        type="button"
        aria-pressed={isOpen}
        onClick={() => choose({ do: "layer", node: network.node, layer: "" })}
      >
        <b>{network.node}</b> {network.file}
      </button>
      <span>
        {network.problem || `${network.kind} · ${sizeWords(network)} · ${network.layers.length} layers`}
      </span>
      {others.length > 0 && (
        <label>
          blend with
          <select
            value={other}
            onChange={({ target }) => {
              choose({ do: "network", node: network.node });
              choose({ do: "other", other: target.value });
            }}
          >
            <option value="">nothing</option>
            {others.map((each) => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
      )}
    </div>
  );
}

function viewOf(network: InsideNetwork, layer: InsideLayer, chosen: Chosen): View {
  const { colours, one } = chosen;
  const channels = colours === "one" ? [Math.min(one, layer.channels - 1)] : colours;
  return { of: "layer", node: network.node, layer: layer.name, channels, size: THUMBNAIL };
}

function LayerButton({
  network,
  layer,
  view,
  isBent,
  isChosen,
  isOver,
  choose,
}: {
  network: InsideNetwork;
  layer: InsideLayer;
  view: View;
  isBent: boolean;
  isChosen: boolean;
  isOver: boolean;
  choose: Choose;
}) {
  const { node } = network;
  const shown = network.shows === layer.name;
  const count = linesAt(network, layer.name).length;
  const classes = ["layer", isBent && "bent", isOver && "over", !layer.plays && "idle"]
    .filter(Boolean)
    .join(" ");
  return (
    <button
      type="button"
      className={classes}
      data-node={node}
      data-layer={layer.name}
      aria-pressed={isChosen}
      title={layer.plays ? undefined : "The node stops at a smaller picture before this layer"}
      onClick={() => choose({ do: "layer", node, layer: layer.name })}
      onDoubleClick={() => show(node, shown ? "" : layer.short)}
    >
      {layer.plays ? <Cell view={view} /> : <span className="cell" />}
      <b>{layer.short}</b>
      <small>
        {sizeWords(layer)} · {layer.channels}
      </small>
      {count > 0 && (
        <span className="layer-count" role="img" aria-label={`${count} ${count === 1 ? "line" : "lines"}`}>
          {count}
        </span>
      )}
      {shown && <span className="layer-shown">shown</span>}
    </button>
  );
}

/** Where it begins. */
function Latent({ network }: { network: InsideNetwork }) {
  return (
    <div className="layer end">
      {network.source ? (
        <Cell view={{ of: "node", node: network.source, size: THUMBNAIL }} />
      ) : (
        <span className="cell" />
      )}
      <b>{network.source || "average"}</b>
      <small>
        {network.latent} → {network.rows} rows
      </small>
    </div>
  );
}

/** What comes out. */
function Result({
  network,
  isChosen,
  choose,
}: {
  network: InsideNetwork;
  isChosen: boolean;
  choose: Choose;
}) {
  const { node, shows } = network;
  return (
    <button
      type="button"
      className="layer end"
      aria-pressed={isChosen}
      title={shows === "" ? undefined : "Double click: the picture again"}
      onClick={() => choose({ do: "layer", node, layer: "" })}
      onDoubleClick={() => shows !== "" && show(node, "")}
    >
      <Cell view={{ of: "node", node, size: THUMBNAIL }} />
      <b>picture</b>
      <small>{sizeWords(network)}</small>
    </button>
  );
}
