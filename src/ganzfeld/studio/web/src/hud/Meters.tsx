import { currentView, useShow } from "../live/show";
import { clock, milliseconds } from "./numbers";
import { Tap } from "./Tap";
import { remarks } from "./words";

/** Frame rate and frame time, large; size, device and time below; what is the matter with them, in words. */
export function Meters() {
  const status = useShow((show) => show.status);
  const shown = useShow((show) => show.shown);
  const live = useShow((show) => show.connection === "live");
  if (!status) return null;
  // A window that asked for fewer is not behind.
  const isLimited = currentView().fps !== null;
  const said = live ? remarks(status, isLimited ? null : shown) : [];
  return (
    <div className={live ? "meters" : "meters stale"} data-testid="meters">
      <div className="large">
        <span className="number" title="Pictures that are made in a second">
          {status.paused ? "–" : status.fps.toFixed(0)}
        </span>
        <span className="unit">fps</span>
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
      {said.map((sentence) => (
        <p className="remark" key={sentence.slice(0, 12)}>
          {sentence}
        </p>
      ))}
    </div>
  );
}
