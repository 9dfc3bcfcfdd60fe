import { type CSSProperties, type ReactNode, useEffect, useState } from "react";
import type { View } from "../../live/atlas";
import { atDesk } from "../../live/show";
import type { InsideLayer, InsideLine, InsideNetwork } from "../../live/wire";
import { Cell, useNumbers } from "../CellCanvas";
import { putChannel, show } from "./acts";
import type { Chosen, Tab } from "./chosen";
import type { Choose } from "./Layers";
import { gridOf, histogramOf, lineForChannels, short } from "./model";
import { HistogramPlot, SpectrumPlot } from "./Plot";
import { Weights } from "./Weights";

const TABS: readonly (readonly [Tab, string])[] = [
  ["channels", "channels"],
  ["numbers", "numbers"],
  ["weights", "weights"],
];
const PAGE = 64;
const GRID = 360;

/** A layer opened: its channels, its numbers, the network's weights. */
export function Opened({
  network,
  chosen,
  choose,
}: {
  network: InsideNetwork;
  chosen: Chosen;
  choose: Choose;
}) {
  const layer = network.layers.find(({ name }) => name === chosen.layer);
  const tab = layer ? chosen.tab : "weights";
  return (
    <section className="opened" aria-label={layer ? `Layer ${layer.short}` : "Weights"}>
      <div className="tabs" role="tablist">
        {TABS.map(([name, word]) => (
          <button
            key={name}
            type="button"
            role="tab"
            aria-selected={tab === name}
            disabled={!layer && name !== "weights"}
            onClick={() => choose({ do: "tab", tab: name })}
          >
            {word}
          </button>
        ))}
      </div>
      {layer && tab === "channels" && (
        <Channels network={network} layer={layer} chosen={chosen} choose={choose} />
      )}
      {layer && tab === "numbers" && <Numbers node={network.node} layer={layer.name} />}
      {tab === "weights" && <Weights network={network} chosen={chosen} choose={choose} />}
    </section>
  );
}

function Numbers({ node, layer }: { node: string; layer: string }) {
  const histogram = useNumbers({ of: "histogram", node, layer });
  const spectrum = useNumbers({ of: "spectrum", node, layer });
  return (
    <div className="layer-numbers">
      <HistogramPlot histogram={histogramOf(histogram)} label={histogram?.problem || "activations"} />
      <SpectrumPlot powers={spectrum?.numbers ?? []} />
    </div>
  );
}

/** The channels, most active first. The pointer shows one in the preview; a click puts it into a line's list. */
function Channels({
  network,
  layer,
  chosen,
  choose,
}: {
  network: InsideNetwork;
  layer: InsideLayer;
  chosen: Chosen;
  choose: Choose;
}) {
  const { view, cell, channels, sort } = useSorted(network.node, layer.name, chosen.first);
  const line = lineForChannels(network, layer.name, chosen.line);
  const inside = new Set(line ? line.channels : chosen.picked);
  const { columns, rows } = gridOf(channels.length);
  useArmed(network.node, chosen);
  const click = (channel: number) => {
    if (line) putChannel(network, line, channel, !inside.has(channel));
    else choose({ do: "pick", channel });
  };
  return (
    <div className="channels">
      <ChannelsHead layer={layer} chosen={chosen} choose={choose} sort={sort}>
        <button
          type="button"
          className="armed"
          aria-pressed={chosen.armed}
          title="The audience sees the channel under the pointer, too"
          onClick={() => {
            if (!chosen.armed) show(network.node, layer.short, chosen.pointed ?? channels[0] ?? 0);
            choose({ do: "arm", armed: !chosen.armed });
          }}
        >
          {chosen.armed ? "on the wall" : "wall"}
        </button>
      </ChannelsHead>
      <p className="layers-hint" title={line?.text}>
        {channelWords(line, chosen.picked)}
      </p>
      <div className="channel-fit">
        <div
          className="channel-grid"
          style={{ "--ratio": cell && cell.height > 0 ? cell.width / cell.height : 1 } as CSSProperties}
          onPointerLeave={() => choose({ do: "hover", channel: null })}
        >
          <Cell view={view} />
          <div
            className="channel-buttons"
            style={{ gridTemplate: `repeat(${rows}, 1fr) / repeat(${columns}, 1fr)` }}
          >
            {channels.map((channel, index) => (
              <button
                key={channel}
                type="button"
                aria-pressed={inside.has(channel)}
                aria-label={`Channel ${channel}`}
                title={`channel ${channel}, activity ${short(cell?.numbers[index] ?? Number.NaN)}`}
                onPointerEnter={() => choose({ do: "hover", channel })}
                onFocus={() => choose({ do: "hover", channel })}
                onClick={() => click(channel)}
              >
                <span>{channel}</span>
              </button>
            ))}
          </div>
        </div>
      </div>
    </div>
  );
}

function ChannelsHead({
  layer,
  chosen,
  choose,
  sort,
  children,
}: {
  layer: InsideLayer;
  chosen: Chosen;
  choose: Choose;
  sort(): void;
  children: ReactNode;
}) {
  const last = Math.min(chosen.first + PAGE, layer.channels);
  return (
    <div className="channels-head">
      <button
        type="button"
        aria-label="More active ones"
        title="More active ones"
        disabled={chosen.first === 0}
        onClick={() => choose({ do: "page", first: chosen.first - PAGE })}
      >
        ‹
      </button>
      <span>
        {chosen.first + 1}–{last} / {layer.channels}
      </span>
      <button
        type="button"
        aria-label="Less active ones"
        title="Less active ones"
        disabled={last >= layer.channels}
        onClick={() => choose({ do: "page", first: chosen.first + PAGE })}
      >
        ›
      </button>
      <button type="button" title="By how active they are now" onClick={sort}>
        sort
      </button>
      {children}
    </div>
  );
}

/** The channels of a page in the order that they had when it was opened, or sorted last: what a pointer is over must not
 * move away under it. */
function useSorted(node: string, layer: string, first: number) {
  const key = `${node} ${layer} ${first}`;
  const [sorted, setSorted] = useState<{ key: string; channels: number[] } | null>(null);
  const order = sorted?.key === key ? sorted.channels : null;
  const view: View = { of: "channels", node, layer, first, channels: order ?? "active", size: GRID };
  const cell = useNumbers(view);
  const found = cell?.channels;
  useEffect(() => {
    if (!order && found && found.length > 0) setSorted({ key, channels: found });
  }, [key, order, found]);
  return { view, cell, channels: order ?? [], sort: () => setSorted(null) };
}

/** While it is armed, the channel that the audience sees follows the pointer, as a knob follows a hand. */
function useArmed(node: string, { armed, hovered }: Chosen): void {
  useEffect(() => {
    if (armed && hovered !== null) atDesk({ kind: "turn", address: `/${node}/show/channel`, value: hovered });
  }, [node, armed, hovered]);
  useEffect(() => {
    if (!armed) return;
    return () => atDesk({ kind: "release", address: `/${node}/show/channel` });
  }, [node, armed]);
}

function channelWords(line: InsideLine | null, picked: readonly number[]): string {
  if (line) return "A click puts a channel into the marked line, or takes it out";
  if (picked.length > 0) return `Channels ${picked.join(", ")}: the next bend acts on these alone`;
  return "Click channels: the next bend acts on these alone";
}
