import { useRef, useState } from "react";
import { Tap } from "../hud/Tap";
import { atDesk, useShow } from "../live/show";
import type { Inputs, SoundHeard } from "../live/wire";
import { useStream } from "./ask";
import { SoundDevice } from "./SoundDevice";
import { Spectrum } from "./Spectrum";

const PAUSE = 40;

/** What is heard, as a spectrum and as a patch gets it; and the tempo. */
export function Sound() {
  const [inputs, setInputs] = useState<Inputs | null>(null);
  useStream<Inputs>("/api/meters", PAUSE, setInputs);
  const sound = inputs?.sound ?? null;
  return (
    <>
      {inputs && !sound && (
        <>
          <p className="nothing">
            No sound is listened to. (A file: <code>ganzfeld play --audio FILE</code>)
          </p>
          <dl className="facts">
            <dt>device</dt>
            <dd>
              <SoundDevice sound={null} />
            </dd>
          </dl>
        </>
      )}
      {sound && <Heard sound={sound} />}
      {inputs?.problems.map((problem) => (
        <p className="door-problem" key={problem.what}>
          {problem.what}
          {problem.hint && <span> {problem.hint}</span>}
        </p>
      ))}
      <Tempo sound={sound} />
    </>
  );
}

function Heard({ sound }: { sound: SoundHeard }) {
  const [floor, setFloor] = useState<number | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const move = (decibels: number) => {
    setFloor(decibels);
    atDesk({ kind: "floor", decibels });
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setFloor(null), 600);
  };
  const shown = floor ?? sound.floor;
  return (
    <>
      <dl className="facts">
        <dt>{sound.is_file ? "file" : "device"}</dt>
        <dd>
          <SoundDevice sound={sound} />
        </dd>
        <dt>loudness</dt>
        <dd>{sound.decibels <= -119 ? "silence" : `${sound.decibels.toFixed(0)} dB`}</dd>
      </dl>
      <Spectrum sound={sound} floor={shown} move={move} />
      <label className="floor">
        floor
        <input
          type="range"
          min={-100}
          max={0}
          step={1}
          value={shown}
          aria-valuetext={`${shown} decibels`}
          onChange={(event) => move(Number(event.target.value))}
        />
        <output>{shown.toFixed(0)} dB</output>
      </label>
      <p className="door-note">What is quieter than the floor is silence to the patch.</p>
      <div className="bars">
        {(["level", "bass", "mid", "high"] as const).map((name) => (
          <Bar key={name} name={`audio.${name}`} value={sound[name]} />
        ))}
        {sound.bands.map((value, band) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a band is its number
          <Bar key={band} name={`audio.band(${band})`} value={value} />
        ))}
      </div>
    </>
  );
}

function Bar({ name, value }: { name: string; value: number }) {
  return (
    <div className="bar">
      <span>{name}</span>
      <meter min={0} max={1} value={value} aria-label={name}>
        {value}
      </meter>
    </div>
  );
}

const SOURCES: Record<string, string> = {
  tap: "what is tapped",
  midi: "MIDI clock",
  audio: "the sound",
  link: "Ableton Link",
};

/** The tempo, where it comes from, and what the sound's own would be. */
function Tempo({ sound }: { sound: SoundHeard | null }) {
  const status = useShow((show) => show.status);
  if (!status) return null;
  const beat = Math.floor(status.beat) % 4;
  return (
    <section aria-label="Tempo">
      <h3>Tempo</h3>
      <dl className="facts">
        <dt>now</dt>
        <dd>
          <Tap bpm={status.bpm} />
          <span className="beats" aria-hidden="true">
            {[0, 1, 2, 3].map((each) => (
              <span key={each} className={each === beat ? "on" : ""} />
            ))}
          </span>
        </dd>
        <dt>follows</dt>
        <dd>{status.follow ? (SOURCES[status.follow] ?? status.follow) : "the patch, and taps"}</dd>
        {sound && (
          <>
            <dt>in the sound</dt>
            <dd>{sound.bpm > 0 ? `${sound.bpm.toFixed(1)} beats a minute` : "no pulse is felt"}</dd>
          </>
        )}
      </dl>
    </section>
  );
}
