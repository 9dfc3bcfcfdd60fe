import { Compartment, EditorState } from "@codemirror/state";
import { drawSelection, EditorView } from "@codemirror/view";
import { useEffect, useRef } from "react";
import { atDesk, useShow } from "../live/show";
import type { PatchSource, Problem } from "../live/wire";
import { fontSize } from "./fit";
import { patchLanguage } from "./language";
import {
  changeMarks,
  changeOf,
  placeOf,
  problemMarks,
  problemsIn,
  rollMarks,
  setChanged,
  setProblems,
  setRolled,
} from "./marks";
import { numberClicks, numberMarks, setLearnable } from "./numbers";
import { veiled } from "./veil";

const NO_PROBLEMS: Problem[] = [];

/** Swapped for an empty extension when the studio learns to edit. */
const reading = new Compartment();
const readOnly = [EditorState.readOnly.of(true), EditorView.editable.of(false)];

/** The patch's text over the picture. */
export function PatchText({ zoom }: { zoom: number }) {
  const place = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const patch = useShow((show) => show.patch);
  const problems = useShow((show) => show.status?.errors ?? NO_PROBLEMS);
  const rolled = useShow((show) => show.status?.rolled ?? "");
  const lesson = useShow((show) => show.desk?.lesson);

  useEffect(() => {
    if (!place.current) return;
    view.current = new EditorView({
      parent: place.current,
      extensions: [
        reading.of(readOnly),
        drawSelection(),
        EditorView.lineWrapping,
        EditorView.cspNonce.of(nonce()),
        EditorView.contentAttributes.of({ "aria-label": "Patch" }),
        patchLanguage,
        problemMarks,
        changeMarks,
        rollMarks,
        numberMarks,
        numberClicks((target) => atDesk({ kind: "learn", target })),
        veiled,
      ],
    });
    return () => view.current?.destroy();
  }, []);

  useEffect(() => {
    if (view.current && patch) put(patch, view.current);
  }, [patch]);

  useEffect(() => {
    if (view.current && patch) point(problemsIn(problems, patch.name), view.current);
  }, [problems, patch]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the line is looked for again in every new text
  useEffect(() => {
    view.current?.dispatch({ effects: setRolled.of(rolled) });
  }, [rolled, patch]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the numbers of another text stand elsewhere
  useEffect(() => {
    view.current?.dispatch({ effects: setLearnable.of(lesson ?? null) });
  }, [lesson, patch]);

  useEffect(() => {
    const box = place.current;
    if (!box) return;
    const adapt = () => {
      const size = fontSize(patch?.text ?? "", box.clientWidth, box.clientHeight);
      box.style.setProperty("--text-size", `${size * zoom}px`);
      view.current?.requestMeasure();
    };
    const observer = new ResizeObserver(adapt);
    observer.observe(box);
    adapt();
    return () => observer.disconnect();
  }, [patch, zoom]);

  return <div className="patch" ref={place} />;
}

/** Changes only what changed, so that the place scrolled to stays, and lights up what a save brought. */
function put(patch: PatchSource, view: EditorView): void {
  const isFirst = view.state.doc.length === 0;
  const change = changeOf(view.state.doc.toString(), patch.text);
  if (!change) return;
  const arrived = { from: change.from, to: change.from + change.insert.length };
  view.dispatch({ changes: change, effects: setChanged.of(isFirst ? null : arrived) });
}

function point(problems: Problem[], view: EditorView): void {
  const first = problems.map((problem) => placeOf(problem, view.state.doc)).find((found) => found !== null);
  view.dispatch({
    effects: [
      setProblems.of(problems),
      ...(first ? [EditorView.scrollIntoView(first.line, { y: "nearest", yMargin: 40 })] : []),
    ],
  });
}

/** The nonce that lets CodeMirror add its style sheet under the page's policy. */
function nonce(): string {
  return document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]")?.nonce ?? "";
}
