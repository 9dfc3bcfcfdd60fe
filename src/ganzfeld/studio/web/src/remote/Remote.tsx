import "./remote.css";
import { useEffect, useState } from "react";
import { MasterAlarm } from "../desk/MasterAlarm";
import { toggleFullscreen } from "../fullscreen";
import { Dice } from "../hud/Dice";
import { FilmKept } from "../hud/FilmKept";
import { clock } from "../hud/numbers";
import { Permission } from "../hud/Permission";
import { Notice, Problems } from "../hud/Problems";
import { Remarks } from "../hud/Remarks";
import { State } from "../hud/State";
import { Visitor } from "../hud/Visitor";
import { Drop } from "../library/Drop";
import { command, togglePause, useShow } from "../live/show";
import { useModes } from "../modes/modes";
import { Picture } from "../Picture";
import { Record } from "../panels/Record";
import { OpenSheet } from "../sheets/OpenSheet";
import { toggleSheet } from "../sheets/open";
import { PatchText } from "../text/PatchText";
import { TextState } from "../text/TextState";
import { useFreshWords } from "../text/words";
import { RemoteKnobs } from "./RemoteKnobs";
import { RemoteMaster } from "./RemoteMaster";
import { RemoteSnapshots } from "./RemoteSnapshots";

/** A phone: a small picture, and large hands. */
export function Remote() {
  const [bare, setBare] = useState(false);
  const [writes, setWrites] = useState(false);
  const plays = useShow((show) => show.you?.role !== "watch");
  useFreshWords();
  // The map leads into the text.
  const edits = useModes((modes) => modes.mode === "edit");
  useEffect(() => {
    if (edits) setWrites(true);
  }, [edits]);
  return (
    <main className={bare ? "studio remote bare" : "studio remote"}>
      <Picture />
      {bare ? (
        <button type="button" className="unhide" onClick={() => setBare(false)}>
          hands
        </button>
      ) : (
        <div className="hands">
          <div className="remote-head">
            <State />
            <Visitor />
            <Numbers />
            <Remarks of={notJudged} />
          </div>
          <Notice />
          <Problems />
          {writes && <RemoteText back={() => setWrites(false)} />}
          {plays && !writes && (
            <>
              <Permission />
              <RemoteMaster />
              <Buttons hide={() => setBare(true)} write={() => setWrites(true)} />
              <Dice />
              <RemoteSnapshots />
              <RemoteKnobs />
            </>
          )}
        </div>
      )}
      {plays && <Drop />}
      {plays && <FilmKept />}
      {plays && <OpenSheet />}
      <MasterAlarm />
    </main>
  );
}

/** How it does, in one line. */
function Numbers() {
  const status = useShow((show) => show.status);
  if (!status) return null;
  return (
    <p className="numbers">
      {status.fps.toFixed(0)} pictures a second · {clock(status.t)}
    </p>
  );
}

/** A phone asks for fewer pictures than are made. */
const notJudged = () => null;

/** The patch's text, for a number that is wrong: there is no room for more. */
function RemoteText({ back }: { back(): void }) {
  return (
    <section className="remote-text" aria-label="Text">
      <div className="remote-text-head">
        <TextState />
        <button type="button" onClick={back}>
          hands
        </button>
      </div>
      <PatchText zoom={1} />
    </section>
  );
}

function Buttons({ hide, write }: { hide(): void; write(): void }) {
  const paused = useShow((show) => show.status?.paused ?? false);
  const bpm = useShow((show) => show.status?.bpm ?? 0);
  return (
    <div className="buttons">
      <button type="button" onPointerDown={() => command("tap")} onKeyDown={tapByKey}>
        tap <small>{Number(bpm.toFixed(1))} bpm</small>
      </button>
      <button type="button" onClick={() => command("roll")}>
        dice
      </button>
      <button type="button" onClick={togglePause}>
        {paused ? "play" : "pause"}
      </button>
      <button type="button" onClick={write}>
        text
      </button>
      <button type="button" onClick={() => toggleSheet("map")}>
        map
      </button>
      <button type="button" onClick={() => toggleSheet("layers")}>
        layers
      </button>
      <button type="button" onClick={() => toggleSheet("library")}>
        library
      </button>
      <button type="button" onClick={hide}>
        hide
      </button>
      <button type="button" onClick={toggleFullscreen}>
        full screen
      </button>
      <Record />
    </div>
  );
}

function tapByKey(event: React.KeyboardEvent): void {
  if ((event.key === "Enter" || event.key === " ") && !event.repeat) command("tap");
}
