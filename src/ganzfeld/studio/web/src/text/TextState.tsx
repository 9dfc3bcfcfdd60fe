import { useShow } from "../live/show";
import type { DocumentState, Waiting } from "../live/wire";
import { playText, saveText, type TextFacts, useTextFacts } from "./editing";

export interface Said {
  what: string;
  tone: "calm" | "news" | "trouble";
}

/** What is to be said of the played text: on its way, refused, or behind what is written. */
export function playedWord(document: DocumentState | null, facts: TextFacts): Said | null {
  if (document?.failed != null && facts.standing === "there")
    return { what: "does not play", tone: "trouble" };
  if (document?.waits) return { what: waitWord(document.waits), tone: "news" };
  if (facts.unplayed > 0)
    return { what: `${facts.unplayed} ${facts.unplayed === 1 ? "line" : "lines"} not played`, tone: "news" };
  return null;
}

/** "building", or how long until its bar. */
export function waitWord({ phase, beats_left, seconds_left }: Waiting): string {
  if (phase === "building") return "building";
  const beats = Math.ceil(beats_left);
  if (beats > 0) return `in ${beats} ${beats === 1 ? "beat" : "beats"}`;
  return seconds_left > 0 ? `in ${seconds_left.toFixed(1)} s` : "now";
}

/** How what is written stands to the file. */
export function fileWord(document: DocumentState | null, facts: TextFacts): Said {
  if (facts.unsent) return { what: "not sent yet", tone: "news" };
  if (document === null) return { what: "no file", tone: "calm" };
  if (document.saved === null) return { what: "keep …", tone: "calm" };
  return document.saved ? { what: "saved", tone: "calm" } : { what: "not saved", tone: "news" };
}

/** Beside the patch's name: whether it is saved, and whether what is written plays. */
export function TextState() {
  const document = useShow((show) => show.document);
  const facts = useTextFacts();
  if (!facts.known) return null;
  const file = fileWord(document, facts);
  const played = playedWord(document, facts);
  const isKept = document?.saved !== null;
  const canSave = document !== null && document.saved !== true;
  return (
    <div className="text-state" data-testid="text-state">
      {played && (
        <Word
          said={played}
          title="Play all that is written (Ctrl+Shift+Enter)"
          press={() => playText("all", false)}
        />
      )}
      <Word
        said={file}
        title={isKept ? "Save (Ctrl+S)" : "It has no file yet: keep it under a name (Ctrl+S)"}
        press={canSave ? saveText : undefined}
      />
    </div>
  );
}

function Word({ said, title, press }: { said: Said; title?: string; press?: () => void }) {
  if (!press) return <span className={`said says-${said.tone}`}>{said.what}</span>;
  return (
    <button
      type="button"
      className={`said says-${said.tone}`}
      title={title}
      onMouseDown={(event) => event.preventDefault()}
      onClick={press}
    >
      {said.what}
    </button>
  );
}
