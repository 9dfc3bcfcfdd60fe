import { useEffect, useState } from "react";
import { atDesk, useShow } from "../live/show";
import type { SoundHeard, SoundsHere } from "../live/wire";
import { useAnswer } from "./ask";

/** So long a choice is shown before it is known whether the device gives sound (ms). */
const TRIES = 4000;

/** What is listened to, and a choice of what else there is. It is chosen at the machine that plays. */
export function SoundDevice({ sound }: { sound: SoundHeard | null }) {
  const isHere = useShow((show) => show.you?.is_here ?? false);
  if (isHere) return <Choice sound={sound} />;
  return <>{sound ? sound.source || "the system's own" : "none"}</>;
}

function Choice({ sound }: { sound: SoundHeard | null }) {
  const { answer, problem, waits, again } = useAnswer<SoundsHere>("/api/sounds");
  const [wanted, setWanted] = useState<string | null>(null);
  useEffect(() => {
    if (wanted === null) return;
    const timer = setTimeout(() => setWanted(null), TRIES);
    return () => clearTimeout(timer);
  }, [wanted]);
  const heard = sound?.source ?? "";
  useEffect(() => {
    if (heard) setWanted(null);
  }, [heard]);
  const devices = answer?.devices ?? [];
  return (
    <>
      <select
        aria-label="Sound device"
        data-testid="sound-device"
        value={wanted ?? (sound ? heard : "none")}
        onFocus={() => !waits && again()}
        onChange={(event) => {
          const device = event.target.value;
          setWanted(device);
          atDesk({ kind: "sound", device });
        }}
      >
        {!sound && <option value="none">choose one</option>}
        {sound && !devices.includes(heard) && <option value={heard}>{heard || "the system's own"}</option>}
        {(!sound || heard) && <option value="">the system's own</option>}
        {devices.map((device) => (
          <option key={device}>{device}</option>
        ))}
      </select>
      {wanted !== null && <span className="door-note"> opens…</span>}
      {answer?.missing && (
        <p className="door-note">
          {answer.missing}. {answer.mend}
        </p>
      )}
      {answer && !answer.missing && devices.length === 0 && (
        <p className="door-note">No sound device is plugged in.</p>
      )}
      {problem && <p className="door-problem">{problem}</p>}
    </>
  );
}
