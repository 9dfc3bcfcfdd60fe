import { command, useShow } from "../live/show";
import { ROLLING } from "../live/wire";

const ANSWERS = [
  ["Enter", "keep", "keep"],
  ["D", "roll again", "roll"],
  ["Esc", "take back", "back"],
] as const;

/** What can be done with the line that dice propose, while there is one. */
export function Dice() {
  const rolled = useShow((show) => show.status?.rolled ?? "");
  if (rolled === "") return null;
  if (rolled === ROLLING)
    return (
      <div className="dice" role="status">
        <span className="rolling">rolling {ROLLING} a bend to try is looked for; it plays at once</span>
      </div>
    );
  return (
    <div className="dice" data-testid="dice">
      {ANSWERS.map(([key, does, name]) => (
        // Takes no focus, so that the keys go on working after a click.
        <button
          type="button"
          key={key}
          tabIndex={-1}
          onMouseDown={(event) => event.preventDefault()}
          onClick={() => command(name)}
        >
          <kbd>{key}</kbd>
          {does}
        </button>
      ))}
    </div>
  );
}
