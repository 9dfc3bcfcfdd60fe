import type { InsideNetwork, InsideWeight } from "../../live/wire";
import { useNumbers } from "../CellCanvas";
import type { Chosen } from "./chosen";
import type { Choose } from "./Layers";
import { leaving } from "./leaving";
import { histogramOf, restOf, weightGroups } from "./model";
import { HistogramPlot } from "./Plot";

/** The network's weights by layer, searched by typing; of the chosen one, its values before and after bends. */
export function Weights({
  network,
  chosen,
  choose,
}: {
  network: InsideNetwork;
  chosen: Chosen;
  choose: Choose;
}) {
  const groups = weightGroups(network, chosen.find);
  const count = groups.reduce((sum, { weights }) => sum + weights.length, 0);
  const weight = network.weights.find(({ name }) => name === chosen.weight);
  return (
    <div className="weights">
      <div className="weights-tree">
        <label className="weights-find">
          <input
            type="search"
            placeholder="a weight: torgb, affine, 512 …"
            aria-label="Search the weights"
            spellCheck={false}
            autoComplete="off"
            maxLength={100}
            value={chosen.find}
            onChange={({ target }) => choose({ do: "find", find: target.value })}
            onKeyDown={leaving}
          />
          <output>{count}</output>
        </label>
        {groups.map(({ layer, weights }) => (
          <details key={`${layer} ${chosen.find !== ""}`} open={chosen.find !== "" || layer === chosen.layer}>
            <summary>
              {layer || "before the layers"} <small>{weights.length}</small>
            </summary>
            <ul>
              {weights.map((each) => (
                <li key={each.name}>
                  <button
                    type="button"
                    aria-pressed={each.name === chosen.weight}
                    onClick={() => choose({ do: "weight", weight: each.name })}
                  >
                    {restOf(each)} <small>{each.shape.join("×") || "1"}</small>
                  </button>
                </li>
              ))}
            </ul>
          </details>
        ))}
      </div>
      {weight ? (
        <WeightShown node={network.node} weight={weight} />
      ) : (
        <p className="layers-hint">Choose a weight to see its values before and after bends.</p>
      )}
    </div>
  );
}

function WeightShown({ node, weight }: { node: string; weight: InsideWeight }) {
  const cell = useNumbers({ of: "weight", node, weight: weight.name });
  const name = weight.name.replace(/^synthesis\./, "");
  return (
    <div className="weight-shown">
      <code>{name}</code>
      <HistogramPlot histogram={histogramOf(cell)} label={cell?.problem || "before (grey) and after bends"} />
    </div>
  );
}
