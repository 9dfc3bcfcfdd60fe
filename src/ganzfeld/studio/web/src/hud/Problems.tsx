import { useShow } from "../live/show";
import type { Problem } from "../live/wire";
import { useSeen, useTextFacts } from "../text/editing";
import { where } from "./numbers";

/** The first error on one line, and how many more there are. */
export function Problems() {
  const errors = useShow((show) => show.status?.errors);
  const failed = useShow((show) => show.document?.failed != null);
  const { standing } = useTextFacts();
  const seen = useSeen();
  const first = errors?.[0];
  if (!first) return null;
  // It stands under its line, or its line has been changed since.
  if ((seen && errors.every(({ line }) => line !== null)) || (failed && standing !== "there")) return null;
  return <Line problem={first} more={errors.length - 1} all={errors} />;
}

/** For a moment: why a command could not be done. */
export function Notice() {
  const notice = useShow((show) => show.notice);
  if (!notice) return null;
  return (
    <div className="problem notice" role="status">
      <span className="what">{notice.what}</span>
      <span className="hint">{notice.hint}</span>
    </div>
  );
}

function Line({ problem, more, all }: { problem: Problem; more: number; all: Problem[] }) {
  const sentences = all.map((each) => [where(each), each.what, each.hint].filter(Boolean).join("  "));
  return (
    <div className="problem" role="alert" title={sentences.join("\n")} data-testid="problem">
      {where(problem) && <span className="where">{where(problem)}</span>}
      <span className="what">{problem.what}</span>
      {problem.hint && <span className="hint">{problem.hint}</span>}
      {more > 0 && <span className="more">+{more}</span>}
    </div>
  );
}
