import { useShow } from "../live/show";
import { alarmOf, endAlarm } from "./master";

/** A frame around the whole page and a word on it while the audience sees something else than the page does. */
export function MasterAlarm() {
  const status = useShow((show) => show.status);
  const alarm = status && alarmOf(status);
  if (!status || !alarm) return null;
  return (
    <div className={`alarm ${alarm.tone}`} data-testid="alarm">
      <div role="alert">
        <b>{alarm.word}</b>
        <span>{alarm.says}</span>
        <button type="button" onClick={() => endAlarm(status)}>
          bring it back
        </button>
      </div>
    </div>
  );
}
