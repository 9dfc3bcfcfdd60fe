import "./panels.css";
import type { ReactNode } from "react";
import { Check } from "./Check";
import { Doors } from "./Doors";
import { Inputs } from "./Inputs";
import { Links } from "./Links";
import { type PanelName, togglePanel, useOpenPanel } from "./open";
import { Sound } from "./Sound";
import { ViewChoice } from "./ViewChoice";

const TITLES: Record<PanelName, string> = {
  doors: "Where the picture goes",
  inputs: "What arrives",
  sound: "Sound and tempo",
  view: "The picture in this window",
  links: "Who else comes",
  check: "This machine",
};

const CONTENTS: Record<PanelName, () => ReactNode> = {
  doors: () => <Doors />,
  inputs: () => <Inputs />,
  sound: () => <Sound />,
  view: () => <ViewChoice />,
  links: () => <Links />,
  check: () => <Check />,
};

/** The panel that is open, beside the text. */
export function Panel() {
  const name = useOpenPanel();
  if (name === null) return null;
  return (
    <aside className="panel" id="panel" aria-label={TITLES[name]} data-testid={`panel-${name}`}>
      <div className="panel-head">
        <h2>{TITLES[name]}</h2>
        <button type="button" aria-label="Close the panel" onClick={() => togglePanel(name)}>
          ✕
        </button>
      </div>
      {/* A region that scrolls can be reached by the keyboard. */}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: see above */}
      <section className="panel-body" tabIndex={0} aria-label={TITLES[name]}>
        {CONTENTS[name]()}
      </section>
    </aside>
  );
}
