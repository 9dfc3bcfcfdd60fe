import type { View } from "../../live/atlas";
import type { InsideNetwork } from "../../live/wire";
import { Cell } from "../CellCanvas";
import { Alone } from "./Alone";
import { show } from "./acts";
import type { Chosen } from "./chosen";
import { sizeWords } from "./model";

const LARGE = 360;

/** What is chosen, large: the picture, or a layer beside it; or the channel under the pointer, and what it makes alone.
 * Nothing of it is on the wall. */
export function Preview({ network, chosen }: { network: InsideNetwork; chosen: Chosen }) {
  const { node } = network;
  const { hovered } = chosen;
  const layer = network.layers.find(({ name }) => name === chosen.layer);
  const isShown = layer !== undefined && network.shows === layer.name;
  return (
    <section className={layer ? "layer-preview" : "layer-preview single"} aria-label="Preview">
      <Cell view={viewOf(network, chosen)} className="large" />
      {layer && (
        <div className="large">
          {hovered === null ? (
            <Cell view={{ of: "node", node, size: LARGE }} />
          ) : (
            <Alone
              key={hovered}
              node={node}
              layer={layer.short}
              channels={layer.channels}
              channel={hovered}
            />
          )}
        </div>
      )}
      <div className="layer-preview-words">
        <h3>{layer ? (hovered === null ? layer.short : `${layer.short}, channel ${hovered}`) : node}</h3>
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

function viewOf({ node }: InsideNetwork, { layer, hovered, colours }: Chosen): View {
  if (layer === "") return { of: "node", node, size: LARGE };
  const channels = hovered !== null ? [hovered] : colours === "mean" ? "mean" : "active";
  return { of: "layer", node, layer, channels, size: LARGE };
}
