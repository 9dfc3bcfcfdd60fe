import { useEffect } from "react";
import { type ShowState, useShow } from "../live/show";

export interface StateWord {
  word: string;
  /** What that means for the show. */
  says: string;
  tone: "calm" | "trouble";
}

/** What keeps the picture from moving, in a word; null while all is well. */
export function stateWord(show: ShowState): StateWord | null {
  if (show.connection === "connecting") return { word: "connecting", says: "", tone: "calm" };
  if (show.connection === "lost") {
    return {
      word: "reconnecting",
      says: "This page does not reach the show; what leaves through doors goes on.",
      tone: "trouble",
    };
  }
  if (show.status && !show.status.render_alive) {
    return {
      word: "render restarting",
      says: "The last picture stays until it goes on from where it was; nothing is lost.",
      tone: "trouble",
    };
  }
  if (show.status?.paused) return { word: "paused", says: "", tone: "calm" };
  return null;
}

/** The patch's name, and beside it what keeps the picture from moving. */
export function State() {
  const name = useShow((show) => show.patch?.name ?? "Ganzfeld");
  const word = useShow((show) => stateWord(show)?.word);
  const says = useShow((show) => stateWord(show)?.says);
  const tone = useShow((show) => stateWord(show)?.tone);
  useEffect(() => {
    document.title = name === "Ganzfeld" ? name : `${name} · Ganzfeld`;
  }, [name]);
  return (
    <div className="state">
      <span className="name">{name}</span>
      {word && (
        <span className={`word tone-${tone}`} role="status">
          {word}
        </span>
      )}
      {says && <span className="says">{says}</span>}
    </div>
  );
}
