import { useState } from "react";
import { atDesk, tellPerson, useShow } from "../live/show";
import type { Arrival, Inputs as InputsNow } from "../live/wire";
import { controlOf, expressionOf, ordered, rateWords } from "./arrivals";
import { useStream } from "./ask";

const PAUSE = 250;

/** What arrives by OSC and MIDI: to see that it does, and to pick from. */
export function Inputs() {
  const [inputs, setInputs] = useState<InputsNow | null>(null);
  const lesson = useShow((show) => show.desk?.lesson ?? null);
  useStream<InputsNow>("/api/meters", PAUSE, setInputs);
  if (!inputs) return <p className="nothing">Listening.</p>;
  return (
    <>
      <Ears inputs={inputs} />
      {lesson && (
        <p className="nothing">Something is being learned: “learn” stands for touching the control.</p>
      )}
      {inputs.arrivals.length === 0 && (inputs.osc || inputs.midi.length > 0) && (
        <p className="nothing">Nothing has arrived yet. Move a control.</p>
      )}
      <ul className="arrivals">
        {ordered(inputs.arrivals).map((arrival) => (
          <Row key={`${arrival.source} ${arrival.address}`} arrival={arrival} />
        ))}
      </ul>
    </>
  );
}

/** Where it is listened, and what is wrong with that. */
function Ears({ inputs }: { inputs: InputsNow }) {
  return (
    <dl className="facts">
      <dt>OSC</dt>
      <dd>{inputs.osc || <Off start="ganzfeld play --osc 9000" />}</dd>
      {inputs.osc_to.length > 0 && (
        <>
          <dt>OSC out</dt>
          <dd>{inputs.osc_to.join(", ")}</dd>
        </>
      )}
      <dt>MIDI</dt>
      <dd>
        {inputs.midi.length > 0 ? (
          inputs.midi.join(", ")
        ) : inputs.listens_to_midi ? (
          "no controller is plugged in"
        ) : (
          <Off start={'ganzfeld play --midi "*"'} />
        )}
      </dd>
      {inputs.problems.map((problem) => (
        <dd className="door-problem" key={problem.what}>
          {problem.what}
          {problem.hint && <span> {problem.hint}</span>}
        </dd>
      ))}
    </dl>
  );
}

function Off({ start }: { start: string }) {
  return (
    <>
      not listened to; start with <code>{start}</code>
    </>
  );
}

function Row({ arrival }: { arrival: Arrival }) {
  const expression = expressionOf(arrival);
  const control = controlOf(arrival);
  const copy = async () => {
    if (expression === null) return;
    try {
      await navigator.clipboard.writeText(expression);
      tellPerson(`${expression} is copied`, "Paste it into the patch, in place of a number.");
    } catch {
      tellPerson(`Write ${expression} into the patch`, "This browser does not let the page copy.");
    }
  };
  return (
    <li className={arrival.ago < 1 ? "arrival moves" : "arrival"}>
      <span className="source">{arrival.source}</span>
      <span className="address" title={arrival.address}>
        {arrival.source === "midi" && control ? control : arrival.address}
      </span>
      <span className="value">{arrival.value}</span>
      <span className="rate">{rateWords(arrival)}</span>
      <span className="picks">
        {control && (
          <button
            type="button"
            title="Then click a knob or a number in the text: it is turned by this from now on"
            onClick={() => atDesk({ kind: "learn", do: "touch", control })}
          >
            learn
          </button>
        )}
        {expression && (
          <button type="button" title={`Copy ${expression}`} onClick={copy}>
            copy
          </button>
        )}
      </span>
    </li>
  );
}
