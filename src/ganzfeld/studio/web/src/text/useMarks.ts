import { type EditorState, Text } from "@codemirror/state";
import { EditorView } from "@codemirror/view";
import { type RefObject, useEffect } from "react";
import { useShow } from "../live/show";
import type { LearnableNumber, Problem } from "../live/wire";
import { setConflicts } from "./conflicts";
import { useTextFacts } from "./editing";
import { placeOf, problemsIn, setProblems, setRolled } from "./marks";
import { rangeOf, setLearnable } from "./numbers";
import { lineInText, setPlayed, written } from "./written";

const NO_PROBLEMS: Problem[] = [];

/** Marks what the studio says of the text: what plays of it, what is wrong, what dice propose, what may be learned. */
export function useMarks(view: RefObject<EditorView | null>): void {
  const patch = useShow((show) => show.patch);
  const problems = useShow((show) => show.status?.errors ?? NO_PROBLEMS);
  const rolled = useShow((show) => show.status?.rolled ?? "");
  const lesson = useShow((show) => show.desk?.lesson);
  const disagreements = useShow((show) => show.document?.disagreements);
  const { known } = useTextFacts();

  useEffect(() => {
    if (patch) view.current?.dispatch({ effects: setPlayed.of(Text.of(patch.text.split(/\r\n?|\n/))) });
  }, [view, patch]);

  useEffect(() => {
    if (view.current && patch && known) point(problemsIn(problems, patch.name), view.current);
  }, [view, problems, patch, known]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the line is looked for again in every new text
  useEffect(() => {
    if (known) view.current?.dispatch({ effects: setRolled.of(rolled) });
  }, [view, rolled, patch, known]);

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

/** The studio speaks of places in what was played; these are the same places in what is written. */
function point(problems: Problem[], view: EditorView): void {
  const here = problems.map((problem) => inText(problem, view.state));
  const first = here.map((problem) => placeOf(problem, view.state.doc)).find((found) => found !== null);
  const isWriting = view.hasFocus;
  view.dispatch({
    effects: [
      setProblems.of(here),
      ...(first && !isWriting ? [EditorView.scrollIntoView(first.line, { y: "nearest", yMargin: 40 })] : []),
    ],
  });
}

function inText(problem: Problem, state: EditorState): Problem {
  if (problem.line === null) return problem;
  const line = lineInText(problem.line, state);
  return {
    ...problem,
    line,
    column: line !== null && isSame(problem.line, line, state) ? problem.column : null,
  };
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
