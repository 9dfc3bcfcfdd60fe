import type { View } from "../../live/atlas";
import type { InsideNetwork } from "../../live/wire";
import { Cell } from "../CellCanvas";
import { show } from "./acts";
import type { Chosen } from "./chosen";
import { sizeWords } from "./model";

const LARGE = 360;

/** What is chosen, large: the picture, a layer, or the channel under the pointer. Nothing of it is on the wall. */
export function Preview({ network, chosen }: { network: InsideNetwork; chosen: Chosen }) {
  const { node } = network;
  const layer = network.layers.find(({ name }) => name === chosen.layer);
  const isShown = layer !== undefined && network.shows === layer.name;
  const title = layer
    ? chosen.hovered === null
      ? layer.short
      : `${layer.short}, channel ${chosen.hovered}`
    : `${node}: picture`;
  const size = layer ? `${sizeWords(layer)} · ${layer.channels} channels` : sizeWords(network);
  return (
    <section className="layer-preview" aria-label="Preview">
      <Cell view={viewOf(network, chosen)} className="large" />
      <div className="layer-preview-words">
        <h3>{title}</h3>
        <small>{size}</small>
      </div>
      {layer && (
        <button type="button" aria-pressed={isShown} onClick={() => show(node, isShown ? "" : layer.short)}>
          {isShown ? "show the picture again" : "show it to all"}
        </button>
      )}
      {!layer && network.shows !== "" && (
        <button type="button" aria-pressed="true" onClick={() => show(node, "")}>
          show the picture again
        </button>
      )}
    </section>
  );
}

function viewOf({ node }: InsideNetwork, { layer, hovered, colours }: Chosen): View {
  if (layer === "") return { of: "node", node, size: LARGE };
  const channels = hovered !== null ? [hovered] : colours === "mean" ? "mean" : "active";
  return { of: "layer", node, layer, channels, size: LARGE };
}
