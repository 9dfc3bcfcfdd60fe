import { type PointerEvent, useRef } from "react";
import { nameOf, turnedTo, written } from "../desk/curve";
import { useHeld, useNewest } from "../desk/drag";
import { KnobValue } from "../desk/KnobValue";
import { useTurning } from "../desk/turning";
import { atDesk, useShow } from "../live/show";
import type { KnobOnDesk } from "../live/wire";

/** Knobs as wide faders. */
export function RemoteKnobs() {
  const knobs = useShow((show) => show.desk?.knobs);
  if (!knobs || knobs.length === 0) return null;
  return (
    <section className="faders" aria-label="Knobs">
      {knobs.map((knob) => (
        <Fader key={knob.address} knob={knob} />
      ))}
    </section>
  );
}

/** Moved by how far the thumb goes, not to where it touches: a value does not jump, and the page can be scrolled. */
function Fader({ knob }: { knob: KnobOnDesk }) {
  const { value, key, type, reset } = useTurning(knob);
  const [held, hold, letGo] = useHeld<number>();
  const send = useNewest((to: number) =>
    atDesk({ kind: "turn", address: knob.address, value: turnedTo(knob, to) }),
  );
  const from = useRef<{ x: number; position: number } | null>(null);
  const position = held ?? knob.position;
  const name = nameOf(knob.address);
  const words = written(knob, held === null ? value : turnedTo(knob, held));
  const move = (event: PointerEvent<HTMLElement>) => {
    if (!from.current) return;
    const width = event.currentTarget.clientWidth || 1;
    const to = from.current.position + (event.clientX - from.current.x) / width;
    hold(Math.min(Math.max(to, 0), 1));
    send(Math.min(Math.max(to, 0), 1));
  };
  const lift = () => {
    from.current = null;
    letGo();
  };
  return (
    <div className={`fader by-${knob.by}`}>
      <div
        className="throw"
        role="slider"
        tabIndex={0}
        aria-label={name}
        aria-valuemin={knob.low}
        aria-valuemax={knob.high}
        aria-valuenow={value}
        aria-valuetext={words}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          from.current = { x: event.clientX, position };
        }}
        onPointerMove={move}
        onPointerUp={lift}
        onPointerCancel={lift}
        onDoubleClick={reset}
        onKeyDown={key}
      >
        <span className="filled" style={{ transform: `scaleX(${position})` }} />
        <span className="knob-name">{name}</span>
      </div>
      <KnobValue name={name} value={value} words={words} take={type} />
    </div>
  );
}
