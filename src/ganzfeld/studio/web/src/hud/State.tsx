import { useEffect } from "react";
import { type ShowState, useShow } from "../live/show";

/** What keeps the picture from moving, in a word; null while all is well. */
export function stateWord(show: ShowState): { word: string; tone: "calm" | "trouble" } | null {
  if (show.connection === "connecting") return { word: "connecting", tone: "calm" };
  if (show.connection === "lost") return { word: "reconnecting", tone: "trouble" };
  if (show.status && !show.status.render_alive) return { word: "render restarting", tone: "trouble" };
  if (show.status?.paused) return { word: "paused", tone: "calm" };
  return null;
}

/** The patch's name, and beside it what keeps the picture from moving. */
export function State() {
  const name = useShow((show) => show.patch?.name ?? "Ganzfeld");
  const word = useShow((show) => stateWord(show)?.word);
  const tone = useShow((show) => stateWord(show)?.tone);
  useEffect(() => {
    document.title = name === "Ganzfeld" ? name : `${name} · Ganzfeld`;
  }, [name]);
  return (
    <div className="state">
      <span className="name">{name}</span>
      {word && (
        <span className={`word ${tone}`} role="status">
          {word}
        </span>
      )}
    </div>
  );
}
