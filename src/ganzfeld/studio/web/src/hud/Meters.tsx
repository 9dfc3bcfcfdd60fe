import { useShow } from "../live/show";
import { clock, milliseconds } from "./numbers";
import { Tap } from "./Tap";

/** A display is behind when it shows less than this share of the frames that are rendered. */
const BEHIND = 0.85;

/** Frame rate and frame time, large; size, device and time below. */
export function Meters() {
  const status = useShow((show) => show.status);
  const shown = useShow((show) => show.shown);
  const live = useShow((show) => show.connection === "live");
  if (!status) return null;
  const isBehind = live && shown !== null && !status.paused && shown.fps < status.fps * BEHIND;
  return (
    <div className={live ? "meters" : "meters stale"} data-testid="meters">
      <div className="large">
        <span className="number">{status.paused ? "–" : status.fps.toFixed(0)}</span>
        <span className="unit">fps</span>
        <span className="number">{milliseconds(status.frame_ms)}</span>
        <span className="unit">ms</span>
      </div>
      <div className="small">
        <span>
          {status.width}×{status.height}
        </span>
        {status.halvings > 0 && <span className="behind">drawn at 1/{2 ** status.halvings}</span>}
        <span>{status.device}</span>
        <Tap bpm={status.bpm} />
        <span>{clock(status.t)}</span>
        {status.osc_dropped > 0 && (
          <span className="behind" title={`The last: ${status.osc_dropped_last}`}>
            {status.osc_dropped} of OSC not read
          </span>
        )}
        {isBehind && <span className="behind">{shown.fps.toFixed(0)} shown</span>}
      </div>
    </div>
  );
}
