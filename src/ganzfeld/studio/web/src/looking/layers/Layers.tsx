import "./layers.css";
import { useEffect, useReducer } from "react";
import type { InsideNetwork } from "../../live/wire";
import { CellCanvas } from "../CellCanvas";
import { Bends } from "./Bends";
import { AT_FIRST, type Choice, type Chosen, networkOf, withChoice } from "./chosen";
import { Lines } from "./Lines";
import { Opened } from "./Opened";
import { Preview } from "./Preview";
import { Strip } from "./Strip";
import { useBendDrag } from "./useBendDrag";
import { useInsides } from "./useInsides";

export type Choose = (choice: Choice) => void;

/** What is inside the networks of the patch: their layers from latent to picture, one of them opened, and bends. */
export function Layers() {
  const { insides, problem } = useInsides();
  const [chosen, choose] = useReducer(withChoice, AT_FIRST);
  // biome-ignore lint/correctness/useExhaustiveDependencies: of another network, other lines are known
  useEffect(() => {
    if (insides) choose({ do: "fit", insides });
  }, [insides, chosen.node]);
  const network = networkOf(insides, chosen.node);
  const drag = useBendDrag(chosen, insides);
  return (
    <div className="layers">
      <div className="layers-head">
        <Colours chosen={chosen} choose={choose} />
        {problem !== "" && (
          <p className="layers-problem" role="status">
            {problem}
          </p>
        )}
      </div>
      {insides?.networks.length === 0 && <p className="layers-none">{nothing(problem)}</p>}
      {insides === null && <p className="layers-none">{problem || "The networks are looked into …"}</p>}
      {insides !== null && insides.networks.length > 0 && (
        <CellCanvas className="strips">
          <div className="layers-scroll">
            {insides.networks.map((each) => (
              <Strip key={each.node} network={each} chosen={chosen} choose={choose} over={drag.over} />
            ))}
          </div>
        </CellCanvas>
      )}
      {network && network.layers.length > 0 && (
        <>
          <Inside key={chosen.layer} network={network} chosen={chosen} choose={choose} />
          <Bends network={network} chosen={chosen} choose={choose} drag={drag} />
        </>
      )}
      {drag.ghost}
    </div>
  );
}

function nothing(problem: string): string {
  return problem || 'No network plays in this patch. Write one: face = network("planets")';
}

/** One layer of a network, or all of it: how it looks, what acts on it, what it is made of. */
function Inside({ network, chosen, choose }: { network: InsideNetwork; chosen: Chosen; choose: Choose }) {
  return (
    <CellCanvas className="inside">
      <div className="layers-scroll">
        <Preview network={network} chosen={chosen} />
        <Lines network={network} chosen={chosen} choose={choose} />
      </div>
      <Opened network={network} chosen={chosen} choose={choose} />
    </CellCanvas>
  );
}

const COLOURS = [
  ["active", "most active", "the three most active channels as colours"],
  ["mean", "mean", "the mean of all channels"],
  ["one", "one", "one channel of each layer"],
] as const;

/** How every layer of the strips is drawn. */
function Colours({ chosen, choose }: { chosen: Chosen; choose: Choose }) {
  return (
    <fieldset className="colours">
      <legend>channels</legend>
      {COLOURS.map(([colours, word, about]) => (
        <label key={colours} title={about}>
          <input
            type="radio"
            name="colours"
            checked={chosen.colours === colours}
            onChange={() => choose({ do: "colours", colours })}
          />
          <span>{word}</span>
        </label>
      ))}
      {chosen.colours === "one" && (
        <input
          type="number"
          aria-label="Which channel"
          min={0}
          max={65535}
          value={chosen.one}
          onChange={({ target }) => choose({ do: "colours", colours: "one", one: Number(target.value) || 0 })}
        />
      )}
    </fieldset>
  );
}
