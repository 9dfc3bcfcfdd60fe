import { command } from "../live/show";

/** The tempo. Tapping it (or T) taps the beat: the first tap is a downbeat, from the third on there is a tempo. */
export function Tap({ bpm }: { bpm: number }) {
  return (
    // Takes no focus, so that the keys go on working; and acts when it is pressed, not when it is let go.
    <button
      type="button"
      className="tap"
      tabIndex={-1}
      title="Tap the beat (T)"
      onMouseDown={(event) => event.preventDefault()}
      onPointerDown={() => command("tap")}
    >
      {Number(bpm.toFixed(1))} bpm
    </button>
  );
}
