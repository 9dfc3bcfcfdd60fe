import { ChangeSet } from "@codemirror/state";
import { useEffect, useRef, useState } from "react";
import { show } from "../../strips/canvas";
import { attached } from "../../text/editing";
import { afterNode } from "../../text/inserting";
import { preview } from "../previews";

/** A pointer on its way over many things asks for nothing (ms). */
const RESTS = 250;
const HEIGHT = 200;

/** The picture that would play with one more line below those of a node. It is drawn beside the show. */
export function WouldBe({ node, line, label }: { node: string; line: string; label: string }) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [problem, setProblem] = useState("");
  useEffect(() => {
    let looker: { stop(): void } | undefined;
    const timer = setTimeout(() => {
      const state = attached()?.view.state;
      const place = state ? afterNode(state, node) : null;
      if (!state || place === null) return;
      const changes = ChangeSet.of({ from: place, insert: `\n${line}` }, state.doc.length);
      looker = preview([{ changes }], HEIGHT, (drawn) => {
        setProblem(drawn.picture ? "" : drawn.problem);
        if (canvas.current) show(canvas.current, drawn);
      });
    }, RESTS);
    return () => {
      clearTimeout(timer);
      looker?.stop();
    };
  }, [node, line]);
  return (
    <>
      <canvas className="would-be" ref={canvas} aria-label={label} role="img" />
      {problem !== "" && <p className="layers-hint">{problem}</p>}
    </>
  );
}
