import { useShow } from "../live/show";
import { PANELS, togglePanel, useOpenPanel } from "./open";
import { Record } from "./Record";
import { isInTrouble } from "./recording";

/** What opens the panels, and the record button. */
export function Tools() {
  const open = useOpenPanel();
  const doors = useShow((show) => show.status?.doors);
  const count = doors?.length ?? 0;
  const isWrong = doors?.some(isInTrouble) ?? false;
  return (
    <nav className="tools" aria-label="Panels">
      <Record />
      {PANELS.map((name) => (
        <button
          key={name}
          type="button"
          aria-expanded={open === name}
          aria-controls="panel"
          onClick={() => togglePanel(name)}
        >
          {name}
          {name === "doors" && (
            <span className={["count", count === 0 && "none", isWrong && "wrong"].filter(Boolean).join(" ")}>
              {count > 0 && count}
              {isWrong && "!"}
            </span>
          )}
        </button>
      ))}
    </nav>
  );
}
