import type { Examined } from "../live/wire";
import { useAnswer } from "./ask";

const MARKS: Record<Examined["state"], [mark: string, words: string]> = {
  works: ["✓", "works"],
  missing: ["–", "missing"],
  broken: ["✗", "broken"],
};

/** What `ganzfeld doctor` finds on the machine that plays. */
export function Check() {
  const { answer, problem, waits, again } = useAnswer<Examined[]>("/api/doctor");
  return (
    <>
      <div className="section-head">
        <p className="nothing">
          {waits ? "The machine that plays is looked at; that takes some seconds." : summary(answer ?? [])}
        </p>
        <button type="button" disabled={waits} onClick={again}>
          look again
        </button>
      </div>
      {problem && <p className="door-problem">{problem}</p>}
      <ul className="findings">
        {answer?.map(({ name, state, found, do: help }) => (
          <li key={name} className={state}>
            <span className="mark" role="img" aria-label={MARKS[state][1]}>
              {MARKS[state][0]}
            </span>
            <b>{name}</b>
            <span>{found}</span>
            {help && state !== "works" && <code>{help}</code>}
          </li>
        ))}
      </ul>
    </>
  );
}

/** "All of it works", or what does not. */
export function summary(found: readonly Examined[]): string {
  if (found.length === 0) return "";
  const count = (state: Examined["state"]) => found.filter((each) => each.state === state).length;
  const words = [
    count("broken") > 0 && `${count("broken")} broken`,
    count("missing") > 0 && `${count("missing")} missing; the show plays without`,
  ].filter(Boolean);
  return words.length === 0 ? "All of it works." : `${words.join(", ")}.`;
}
