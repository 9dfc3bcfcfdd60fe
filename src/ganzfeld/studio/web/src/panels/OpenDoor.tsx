import { useState } from "react";
import { atDoor, useShow } from "../live/show";
import type { DoorKindHere, OutputsHere } from "../live/wire";
import { useAnswer } from "./ask";
import { exampleOf, firstSentence, inOrder, offersOf, written } from "./offers";

/** What can be opened on the machine that plays. */
export function OpenDoor({ outputs }: { outputs: string[] }) {
  const { answer, problem, waits, again } = useAnswer<OutputsHere>("/api/outputs");
  const [picture, setPicture] = useState("");
  return (
    <section className="open-door" aria-label="Open a door">
      <div className="section-head">
        <h3>Open</h3>
        {outputs.length > 1 && (
          <select
            aria-label="Which output"
            value={picture}
            onChange={(event) => setPicture(event.target.value)}
          >
            <option value="">the main picture</option>
            {outputs.map((name) => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
        )}
        <button type="button" disabled={waits} onClick={again}>
          {waits ? "looking…" : "look again"}
        </button>
      </div>
      {problem && <p className="door-problem">{problem}</p>}
      {!answer && waits && <p className="nothing">Displays and programs are looked for.</p>}
      {inOrder(answer?.kinds ?? [])
        .filter((kind) => kind.missing === "")
        .map((kind) => (
          <Kind key={kind.kind} kind={kind} picture={picture} />
        ))}
      <Missing kinds={answer?.kinds.filter((kind) => kind.missing !== "") ?? []} />
    </section>
  );
}

function Kind({ kind, picture }: { kind: DoorKindHere; picture: string }) {
  const patch = useShow((show) => show.status?.patch_name ?? "");
  const example = exampleOf(kind.kind, patch);
  const [target, setTarget] = useState(kind.kind === "window" ? "" : example);
  const offers = offersOf(kind);
  const open = (to: string) => atDoor({ do: "open", door: picture === "" ? to : `${picture}=${to}` });
  return (
    <details className="kind" open={offers.length > 0} data-testid={`kind-${kind.kind}`}>
      <summary>
        <b>{kind.kind}</b> <span>{firstSentence(kind.about)}</span>
      </summary>
      {offers.map((offer) => (
        <button type="button" className="offer" key={offer.to} onClick={() => open(offer.to)}>
          <b>{offer.to}</b> {offer.about}
        </button>
      ))}
      <form
        className="target"
        onSubmit={(event) => {
          event.preventDefault();
          open(written("", kind.kind, target));
        }}
      >
        <label>
          {kind.kind}:
          <input
            value={target}
            maxLength={1000}
            placeholder={example}
            aria-label={`Target of ${kind.kind}`}
            onChange={(event) => setTarget(event.target.value)}
          />
        </label>
        <button type="submit">open</button>
      </form>
      {kind.options && <p className="door-note">{kind.options}</p>}
    </details>
  );
}

function Missing({ kinds }: { kinds: DoorKindHere[] }) {
  if (kinds.length === 0) return null;
  return (
    <details className="kind">
      <summary>
        <span>not here: {kinds.map((kind) => kind.kind).join(", ")}</span>
      </summary>
      {kinds.map((kind) => (
        <p className="door-note" key={kind.kind}>
          <b>{kind.kind}</b>: {kind.missing}
          {kind.mend && (
            <>
              . <code>{kind.mend}</code>
            </>
          )}
        </p>
      ))}
    </details>
  );
}
