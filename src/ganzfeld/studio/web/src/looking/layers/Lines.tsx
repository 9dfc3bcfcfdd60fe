import { openBrush } from "../../brush/painting";
import type { InsideLine, InsideNetwork } from "../../live/wire";
import { goTo } from "../../map/acts";
import { drop, mute, solo, swap } from "./acts";
import type { Chosen } from "./chosen";
import type { Choose } from "./Layers";
import { lineForChannels, linesAt, neighbourOf, reachWords } from "./model";

/** The lines of the text that act on what is chosen, to order, mute, solo and delete. */
export function Lines({
  network,
  chosen,
  choose,
}: {
  network: InsideNetwork;
  chosen: Chosen;
  choose: Choose;
}) {
  const lines = linesAt(network, chosen.layer);
  const takes = chosen.layer === "" ? null : lineForChannels(network, chosen.layer, chosen.line);
  return (
    <section className="bend-lines" aria-label="Lines">
      {lines.length === 0 && (
        <p className="layers-hint">
          {chosen.layer === "" ? "Nothing bends this network." : "Nothing bends this layer."} Drag a bend onto
          a layer.
        </p>
      )}
      <ol>
        {lines.map((line) => (
          <Line
            key={line.name}
            line={line}
            network={network}
            lines={lines}
            isTaker={takes?.name === line.name}
            choose={choose}
          />
        ))}
      </ol>
    </section>
  );
}

function Line({
  line,
  network,
  lines,
  isTaker,
  choose,
}: {
  line: InsideLine;
  network: InsideNetwork;
  lines: readonly InsideLine[];
  isTaker: boolean;
  choose: Choose;
}) {
  const up = neighbourOf(lines, line, -1);
  const down = neighbourOf(lines, line, 1);
  const classes = ["bend-line", !line.acts && "silent", isTaker && "taker"].filter(Boolean).join(" ");
  return (
    <li className={classes} data-line={line.name}>
      <button
        type="button"
        className="bend-text"
        title={`Line ${line.line}: ${reachWords(line, network)}. A click chooses it for channels, a double click goes to the text`}
        onClick={() => choose({ do: "line", line: line.name })}
        onDoubleClick={() => goTo(line.line)}
      >
        <code>{line.text}</code>
        <small>{reachWords(line, network)}</small>
      </button>
      <button
        type="button"
        aria-label="Earlier"
        title="Earlier"
        disabled={!line.alone || !up}
        onClick={() => up && swap(network, line, up)}
      >
        ↑
      </button>
      <button
        type="button"
        aria-label="Later"
        title="Later"
        disabled={!line.alone || !down}
        onClick={() => down && swap(network, line, down)}
      >
        ↓
      </button>
      <button
        type="button"
        aria-pressed={line.muted}
        title="As if it were not there"
        onClick={() => mute(network, line)}
      >
        mute
      </button>
      <button
        type="button"
        aria-pressed={line.solo}
        title={`Of the ${line.method}s of ${network.node}, only this one acts`}
        onClick={() => solo(network, line)}
      >
        solo
      </button>
      <button
        type="button"
        className="bend-where"
        aria-pressed={line.mask !== ""}
        disabled={line.method !== "bend" || line.reaches !== "activation"}
        title={line.mask ? `Bends where ${line.mask} is bright: paint` : "Paint where it bends (layers only)"}
        onClick={() => openBrush({ node: network.node, line: line.name })}
      >
        where
      </button>
      <button
        type="button"
        aria-label="Delete the line"
        title="Delete the line"
        onClick={() => drop(network, line)}
      >
        ✕
      </button>
    </li>
  );
}
