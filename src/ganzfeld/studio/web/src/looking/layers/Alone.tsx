import { ChangeSet } from "@codemirror/state";
import { useEffect, useRef, useState } from "react";
import { show } from "../../strips/canvas";
import { attached } from "../../text/editing";
import { afterNode } from "../../text/inserting";
import { preview } from "../previews";
import { allBut } from "./model";

/** A pointer on its way over the grid asks for nothing (ms). */
const RESTS = 250;
const HEIGHT = 200;

/** The picture that one channel of a layer makes alone: all others are nothing there. It is drawn beside the show. */
export function Alone({
  node,
  layer,
  channels,
  channel,
}: {
  node: string;
  layer: string;
  channels: number;
  channel: number;
}) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    let looker: { stop(): void } | undefined;
    const timer = setTimeout(() => {
      const state = attached()?.view.state;
      const place = state ? afterNode(state, node) : null;
      if (!state || place === null) return;
      const line = `\n${node}.bend("${layer}", multiply=0, channels="${allBut(channel, channels)}")`;
      const changes = ChangeSet.of({ from: place, insert: line }, state.doc.length);
      looker = preview([{ changes }], HEIGHT, (drawn) => {
        setProblem(drawn.picture ? "" : drawn.problem);
        if (canvas.current) show(canvas.current, drawn);
      });
    }, RESTS);
    return () => {
      clearTimeout(timer);
      looker?.stop();
    };
  }, [node, layer, channels, channel]);
  return (
    <>
      <canvas className="alone" ref={canvas} aria-label={`The picture of channel ${channel} alone`} />
      {problem !== "" && <p className="layers-hint">{problem}</p>}
    </>
  );
}
