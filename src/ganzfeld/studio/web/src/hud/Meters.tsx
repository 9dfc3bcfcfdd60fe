import { currentView, type ShowState, useShow } from "../live/show";
import { clock, milliseconds } from "./numbers";
import { Remarks } from "./Remarks";
import { Tap } from "./Tap";
import { rateOf } from "./words";

/** Frame rate and frame time, large; size, device and time below; what is the matter with them, in words. */
export function Meters() {
  const status = useShow((show) => show.status);
  const live = useShow((show) => show.connection === "live");
  if (!status) return null;
  return (
    <div className={live ? "meters" : "meters stale"} data-testid="meters">
      <div className="large">
        <span className="number" title="Pictures that are made in a second">
          {status.paused ? "–" : status.fps.toFixed(0)}
        </span>
        <span className="unit">{status.division > 1 ? `of ${rateOf(status.rate)} fps` : "fps"}</span>
        <span className="number" title="Milliseconds that one of them takes">
          {milliseconds(status.frame_ms)}
        </span>
        <span className="unit">ms</span>
      </div>
      <div className="small">
        <span>
          {status.width}×{status.height}
        </span>
        <span>{status.device}</span>
        <Tap bpm={status.bpm} />
        <span title="The show's time">{clock(status.t)}</span>
      </div>
      <Remarks of={shownInFull} />
    </div>
  );
}

/** What this window shows; null if it asked for fewer pictures than are made, which is not being behind. */
function shownInFull(show: ShowState): ShowState["shown"] {
  return currentView().fps === null ? show.shown : null;
}
