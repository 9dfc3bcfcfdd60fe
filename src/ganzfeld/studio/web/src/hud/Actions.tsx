import { toggleFullscreen } from "../fullscreen";
import { command, togglePause, useShow } from "../live/show";

interface ActionsProps {
  toggleOverlay(): void;
  zoom(by: 1 | -1): void;
}

/** What keys do, as buttons: for a mouse, a tablet, and for learning the keys. */
export function Actions({ toggleOverlay, zoom }: ActionsProps) {
  const paused = useShow((show) => show.status?.paused ?? false);
  return (
    <div className="actions" role="toolbar" aria-label="Show">
      <Action keys="H" word="hide" does={toggleOverlay} />
      <Action keys="F" word="full screen" does={toggleFullscreen} />
      <Action keys="Space" word={paused ? "play" : "pause"} does={togglePause} />
      <Action keys="D" word="dice" does={() => command("roll")} />
      <span className="sizes">
        <Action word="−" label="Smaller text" does={() => zoom(-1)} />
        <Action word="+" label="Larger text" does={() => zoom(1)} />
      </span>
    </div>
  );
}

function Action({ keys, word, label, does }: { keys?: string; word: string; label?: string; does(): void }) {
  return (
    // Takes no focus from a mouse, so that the keys go on working after a click.
    <button type="button" aria-label={label} onMouseDown={(event) => event.preventDefault()} onClick={does}>
      {keys && <kbd>{keys}</kbd>}
      {word}
    </button>
  );
}
