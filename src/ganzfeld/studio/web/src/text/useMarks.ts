import { type EditorState, Text } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { type RefObject, useEffect, useRef } from "react";
import { useShow } from "../live/show";
import { type LearnableNumber, type Problem, ROLLING } from "../live/wire";
import { setConflicts } from "./conflicts";
import { useTextFacts } from "./editing";
import { setRolled } from "./marks";
import { rangeOf, setLearnable } from "./numbers";
import { problemMarks, problemsIn, setProblems } from "./problems";
import { lineInText, setGood, setPlayed, written } from "./written";

const NO_PROBLEMS: Problem[] = [];

/** Marks what the studio says of the text: what plays of it, what is wrong, what dice propose, what may be learned. */
export function useMarks(view: RefObject<EditorView | null>): void {
  const patch = useShow((show) => show.patch);
  const problems = useShow((show) => show.status?.errors ?? NO_PROBLEMS);
  const rolled = useShow((show) => show.status?.rolled ?? "");
  const after = useShow((show) => show.status?.rolled_after ?? 0);
  const lesson = useShow((show) => show.desk?.lesson);
  const disagreements = useShow((show) => show.document?.disagreements);
  const plays = useShow((show) => show.patch !== null && show.status?.playing_version === show.patch.version);
  const failed = useShow((show) => show.document?.failed != null);
  const good = useRef<Text | null>(null);
  const { known } = useTextFacts();

  useEffect(() => {
    if (!patch) return;
    const text = Text.of(patch.text.split(/\r\n?|\n/));
    if (plays) good.current = text;
    view.current?.dispatch({ effects: [setPlayed.of(text), setGood.of(failed ? good.current : null)] });
  }, [view, patch, plays, failed]);

  useEffect(() => {
    if (view.current && patch && known) point(problemsIn(problems, patch.name), view.current);
  }, [view, problems, patch, known]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the line is looked for again in every new text
  useEffect(() => {
    const editor = view.current;
    if (!known || !editor) return;
    const place = after > 0 ? (lineInText(after, editor.state) ?? editor.state.doc.lines) : null;
    const isThere = rolled !== "" && rolled !== ROLLING;
    editor.dispatch({ effects: setRolled.of(isThere ? { text: rolled, after: place } : null) });
  }, [view, rolled, after, patch, known]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the numbers of another text stand elsewhere
  useEffect(() => {
    const editor = view.current;
    if (!editor) return;
    const found = lesson && { ...lesson, numbers: numbersInText(lesson.numbers, editor.state) };
    editor.dispatch({ effects: setLearnable.of(found ?? null) });
  }, [view, lesson, patch, known]);

  useEffect(() => {
    if (known) view.current?.dispatch({ effects: setConflicts.of(disagreements ?? []) });
  }, [view, disagreements, known]);
}

/** Marks what is wrong, and brings it into sight unless somebody writes. */
function point(problems: Problem[], view: EditorView): void {
  view.dispatch({ effects: setProblems.of(problems) });
  const { first } = view.state.field(problemMarks);
  if (first !== null && !view.hasFocus)
    view.dispatch({ effects: EditorView.scrollIntoView(first, { y: "nearest", yMargin: 40 }) });
}

/** Numbers of the text that plays that are written the same. */
export function numbersInText(numbers: readonly LearnableNumber[], state: EditorState): LearnableNumber[] {
  return numbers.flatMap((number) => {
    const line = lineInText(number.line, state);
    if (line === null || !isSame(number.line, line, state)) return [];
    const moved = { ...number, line };
    return rangeOf(moved, state.doc) ? [moved] : [];
  });
}

function isSame(played: number, line: number, state: EditorState): boolean {
  const text = state.field(written).played;
  if (!text) return true;
  return played >= 1 && played <= text.lines && text.line(played).text === state.doc.line(line).text;
}
