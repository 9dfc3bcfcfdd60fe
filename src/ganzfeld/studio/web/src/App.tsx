import { useCallback, useState } from "react";
import { Brush } from "./brush/Brush";
import { usePainting } from "./brush/painting";
import { Desk } from "./desk/Desk";
import { Master } from "./desk/Master";
import { MasterAlarm } from "./desk/MasterAlarm";
import { useKeys } from "./doings";
import { Actions } from "./hud/Actions";
import { Dice } from "./hud/Dice";
import { FilmKept } from "./hud/FilmKept";
import { Meters } from "./hud/Meters";
import { Permission } from "./hud/Permission";
import { Notice, Problems } from "./hud/Problems";
import { State, stateWord } from "./hud/State";
import { Tips } from "./hud/Tips";
import { Visitor } from "./hud/Visitor";
import { useIdle } from "./idle";
import { Drop } from "./library/Drop";
import { useShow } from "./live/show";
import { REMOTE } from "./live/view";
import { Badge } from "./modes/Badge";
import { useModes } from "./modes/modes";
import { useComingBack } from "./modes/useComingBack";
import { Picture } from "./Picture";
import { Keep } from "./palette/Keep";
import { Palette } from "./palette/Palette";
import { Sheet } from "./palette/Sheet";
import { Panel } from "./panels/Panel";
import { Tools } from "./panels/Tools";
import { Remote } from "./remote/Remote";
import { OpenSheet } from "./sheets/OpenSheet";
import { useOpenSheet } from "./sheets/open";
import { PatchText } from "./text/PatchText";
import { TextState } from "./text/TextState";
import { useFreshWords } from "./text/words";
import { useMedia } from "./useMedia";

const ZOOM_STEP = 1.1;
const ZOOM_REACH = 8;

export function App() {
  return useMedia(REMOTE) ? <Remote /> : <Studio />;
}

function Studio() {
  const { hidden, locked, mode, open } = useModes((modes) => modes);
  const plays = useShow((show) => show.you?.role !== "watch");
  const [steps, setSteps] = useState(0);
  const idle = useIdle();
  const zoom = useCallback(
    (by: 1 | -1) => setSteps((before) => Math.min(Math.max(before + by, -ZOOM_REACH), ZOOM_REACH)),
    [],
  );
  useKeys(zoom);
  useComingBack(hidden);
  useFreshWords();

  const sheet = useOpenSheet();
  const paints = usePainting().open;
  // A locked stage, and somebody who watches, keep what they may touch.
  const works = plays && !locked;
  const classes = [
    "studio",
    idle && "idle",
    hidden && "bare",
    locked && "locked",
    sheet && works && `with-sheet with-${sheet}`,
    mode === "edit" && "editing",
    paints && works && "painting",
  ];
  return (
    <main className={classes.filter(Boolean).join(" ")}>
      <Picture />
      <Waiting />
      {/* Hidden, not taken away: the text keeps its place, and coming back costs nothing. */}
      <div className="overlay" inert={hidden || (paints && works)}>
        <header>
          <Badge />
          <div className="named">
            <State />
            {plays && <TextState />}
          </div>
          <Visitor />
          <div className="right">
            {works && <Tools />}
            <Meters />
          </div>
        </header>
        <PatchText zoom={ZOOM_STEP ** steps} />
        {works && (sheet ? <OpenSheet /> : <Panel />)}
        {works && <Dice />}
        {works && !sheet && <Tips />}
        {plays && <Desk />}
        <footer>
          {/* What comes and goes lies over the desk: nothing makes room for it. */}
          <div className="passing">
            {plays && <FilmKept />}
            <Notice />
          </div>
          <Problems />
          {plays && <Master />}
          {works && <Actions />}
        </footer>
        {!hidden && plays && <Permission />}
      </div>
      {works && <Brush />}
      {hidden && <Trouble />}
      <MasterAlarm />
      {works && <Drop />}
      {open === "palette" && <Palette />}
      {open === "sheet" && <Sheet />}
      {open === "keep" && <Keep />}
    </main>
  );
}

/** Before the first picture there is only this word. */
function Waiting() {
  const waits = useShow((show) => show.shown === null);
  const connection = useShow((show) => show.connection);
  const wrong = useShow((show) => (show.status?.errors.length ?? 0) > 0);
  if (!waits || wrong) return null;
  return (
    <p className="first-word">{connection === "live" ? "The first picture is on its way" : "Ganzfeld"}</p>
  );
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
