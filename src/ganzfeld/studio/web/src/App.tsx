import { useCallback, useState } from "react";
import { Desk } from "./desk/Desk";
import { Dice } from "./hud/Dice";
import { Help } from "./hud/Help";
import { Meters } from "./hud/Meters";
import { Permission } from "./hud/Permission";
import { Problems } from "./hud/Problems";
import { State, stateWord } from "./hud/State";
import { Visitor } from "./hud/Visitor";
import { useIdle } from "./idle";
import { useKeys } from "./keys";
import { useShow } from "./live/show";
import { Picture } from "./Picture";
import { PatchText } from "./text/PatchText";

const ZOOM_STEP = 1.1;
const ZOOM_REACH = 8;

export function App() {
  const [hidden, setHidden] = useState(false);
  const [steps, setSteps] = useState(0);
  const idle = useIdle();
  const toggleOverlay = useCallback(() => setHidden((before) => !before), []);
  const zoom = useCallback(
    (by: 1 | -1) => setSteps((before) => Math.min(Math.max(before + by, -ZOOM_REACH), ZOOM_REACH)),
    [],
  );
  useKeys({ toggleOverlay, zoom });

  return (
    <main className={`studio${idle ? " idle" : ""}${hidden ? " bare" : ""}`}>
      <Picture />
      <Waiting />
      {/* Hidden, not taken away: the text keeps its place, and coming back costs nothing. */}
      <div className="overlay" inert={hidden}>
        <header>
          <State />
          <Visitor />
          <Meters />
        </header>
        <PatchText zoom={ZOOM_STEP ** steps} />
        <Desk />
        <footer>
          <Problems />
          <Help />
          <Dice />
        </footer>
        {!hidden && <Permission />}
      </div>
      {hidden && <Trouble />}
    </main>
  );
}

/** Before the first picture there is only this word. */
function Waiting() {
  const waits = useShow((show) => show.shown === null);
  const connection = useShow((show) => show.connection);
  const wrong = useShow((show) => (show.status?.errors.length ?? 0) > 0);
  if (!waits || wrong) return null;
  return <p className="waiting">{connection === "live" ? "The first picture is on its way" : "Ganzfeld"}</p>;
}

/** All that is left of the overlay when it is hidden: a point in the corner while something is wrong. */
function Trouble() {
  const wrong = useShow(
    (show) => (show.status?.errors.length ?? 0) > 0 || stateWord(show)?.tone === "trouble",
  );
  const asks = useShow((show) => (show.status?.pending_trust.length ?? 0) > 0);
  if (!wrong && !asks) return null;
  return (
    <output
      className={wrong ? "trouble" : "trouble asks"}
      aria-label="Something is wrong: press H to see it"
    />
  );
}
