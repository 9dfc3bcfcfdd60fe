import { type PointerEvent, useEffect, useRef } from "react";
import type { SoundHeard } from "../live/wire";
import { decibelsAt, drawSpectrum } from "./spectrum";

interface SpectrumProps {
  sound: SoundHeard;
  floor: number;
  /** The floor is dragged. */
  move(decibels: number): void;
}

/** Loudness by frequency; the line is the floor, and can be dragged. */
export function Spectrum({ sound, floor, move }: SpectrumProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    if (canvas.current) drawSpectrum(canvas.current, sound, floor);
  }, [sound, floor]);
  const drag = (event: PointerEvent<HTMLElement>) => {
    if (event.buttons !== 1) return;
    const box = event.currentTarget.getBoundingClientRect();
    move(decibelsAt(event.clientY - box.top, box.height));
  };
  return (
    <div
      className="spectrum"
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        drag(event);
      }}
      onPointerMove={drag}
    >
      <canvas ref={canvas} role="img" aria-label="Spectrum of the sound" />
      <span className="low">{hertz(sound.low_hz)}</span>
      <span className="high">{hertz(sound.high_hz)}</span>
    </div>
  );
}

function hertz(value: number): string {
  return value >= 1000 ? `${Number((value / 1000).toFixed(1))} kHz` : `${value.toFixed(0)} Hz`;
}
