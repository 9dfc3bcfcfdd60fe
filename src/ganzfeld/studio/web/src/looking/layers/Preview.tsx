import type { View } from "../../live/atlas";
import type { InsideLayer, InsideNetwork } from "../../live/wire";
import { Cell } from "../CellCanvas";
import { show } from "./acts";
import type { Chosen } from "./chosen";
import { allBut, bendLine, sizeWords } from "./model";
import { WouldBe } from "./WouldBe";

const LARGE = 360;

/** What is chosen, large: the picture, or a layer beside it; or the channel under the pointer, and what it makes alone.
 * Nothing of it is on the wall. */
export function Preview({ network, chosen }: { network: InsideNetwork; chosen: Chosen }) {
  const { node } = network;
  const layer = network.layers.find(({ name }) => name === chosen.layer);
  const isShown = layer !== undefined && network.shows === layer.name;
  return (
    <section className={layer ? "layer-preview" : "layer-preview single"} aria-label="Preview">
      <Cell view={viewOf(network, chosen)} className="large" />
      {layer && (
        <div className="large">
          <Beside network={network} layer={layer} chosen={chosen} />
        </div>
      )}
      <div className="layer-preview-words">
        <h3>{layer ? titleOf(layer, chosen) : node}</h3>
        <small>{layer ? `${sizeWords(layer)} · ${layer.channels}` : sizeWords(network)}</small>
      </div>
      {layer && (
        <button type="button" aria-pressed={isShown} onClick={() => show(node, isShown ? "" : layer.short)}>
          {isShown ? "picture again" : "show to all"}
        </button>
      )}
      {!layer && network.shows !== "" && (
        <button type="button" aria-pressed="true" onClick={() => show(node, "")}>
          picture again
        </button>
      )}
    </section>
  );
}

function titleOf(layer: InsideLayer, { hovered, tried }: Chosen): string {
  if (tried !== "") return `${layer.short} with ${tried}`;
  return hovered === null ? layer.short : `${layer.short}, channel ${hovered}`;
}

/** Beside a layer: the picture, or what it would be with the bend under the pointer, or with one channel alone. */
function Beside({ network, layer, chosen }: { network: InsideNetwork; layer: InsideLayer; chosen: Chosen }) {
  const { node } = network;
  const { hovered, tried, picked } = chosen;
  if (tried !== "") {
    return (
      <WouldBe
        key={tried}
        node={node}
        line={bendLine(node, layer.short, tried, picked)}
        label={`With ${tried}`}
      />
    );
  }
  if (hovered === null) return <Cell view={{ of: "node", node, size: LARGE }} />;
  const line = `${node}.bend("${layer.short}", multiply=0, channels="${allBut(hovered, layer.channels)}")`;
  return <WouldBe key={hovered} node={node} line={line} label={`The picture of channel ${hovered} alone`} />;
}

function viewOf({ node }: InsideNetwork, { layer, hovered, colours }: Chosen): View {
  if (layer === "") return { of: "node", node, size: LARGE };
  const channels = hovered !== null ? [hovered] : colours === "mean" ? "mean" : "active";
  return { of: "layer", node, layer, channels, size: LARGE };
}
