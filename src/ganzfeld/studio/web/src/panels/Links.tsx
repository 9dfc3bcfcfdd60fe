import { useState } from "react";
import type { Role, SharedLinks } from "../live/wire";
import { ask, useAnswer } from "./ask";

const ABOUT: Record<Role, string> = {
  watch: "Look at the page and take a copy of the patch. No more.",
  play: "Play, edit and save, as you do here: for people you trust.",
  output: "The picture alone, for another screen.",
};

/** The links by which others come, with their QR codes. */
export function Links() {
  const { answer, problem, again } = useAnswer<SharedLinks>("/api/links");
  const [role, setRole] = useState<Role>("watch");
  if (answer === null) return problem ? <p className="door-problem">{problem}</p> : null;
  const shown = answer.links.find((link) => link.role === role);
  if (shown === undefined) {
    return (
      <p className="nothing">
        Only this machine reaches the show. Let others in with: <code>ganzfeld play --host 0.0.0.0</code>
      </p>
    );
  }
  return (
    <>
      <fieldset className="roles">
        <legend>A link to</legend>
        {answer.links.map((link) => (
          <button
            key={link.role}
            type="button"
            aria-pressed={link.role === role}
            onClick={() => setRole(link.role)}
          >
            {link.role}
          </button>
        ))}
      </fieldset>
      <p className="nothing">{ABOUT[role]}</p>
      <img className="code" src={imageOf(shown.qr)} alt={`QR code of the link to ${role}`} />
      <input
        type="text"
        readOnly
        aria-label={`The link to ${role}`}
        value={shown.url}
        onFocus={(event) => event.target.select()}
      />
      {!answer.is_secure && (
        <p className="nothing">Others in the same network can overhear links: they are not encrypted.</p>
      )}
      <TakeBack done={again} />
    </>
  );
}

/** Takes all links back, when it was asked twice. */
function TakeBack({ done }: { done(): void }) {
  const [isAsked, setAsked] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const takeBack = async () => {
    if (!isAsked) return setAsked(true);
    setAsked(false);
    try {
      await ask<SharedLinks>("/api/links", undefined, "POST");
      setProblem(null);
      done();
    } catch (error) {
      setProblem((error as Error).message);
    }
  };
  return (
    <>
      <button type="button" onClick={takeBack} onBlur={() => setAsked(false)}>
        {isAsked ? "show everybody out who came by a link?" : "take all links back"}
      </button>
      {problem && <p className="door-problem">{problem}</p>}
    </>
  );
}

/** An SVG as an image, where nothing in it can do anything. */
export function imageOf(svg: string): string {
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
