import { perform } from "../doings";
import type { Doing } from "../keys";
import { useShow } from "../live/show";

/** What keys do, as buttons: for a mouse, a tablet, and for learning the keys. */
export function Actions() {
  const paused = useShow((show) => show.status?.paused ?? false);
  return (
    <div className="actions" role="toolbar" aria-label="Show">
      <Action keys="H" word="hide" doing="overlay" />
      <Action keys="F" word="full" label="full screen" doing="fullscreen" />
      <Action keys="⇧␣" word={paused ? "play" : "pause"} doing="pause" />
      <Action keys="D" word="dice" doing="roll" />
      <Action keys="G" word="map" doing="map" />
      <Action keys="A" word="layers" doing="layers" />
      <Action keys="B" word="library" doing="library" />
      <Action keys="?" word="keys" doing="sheet" />
      <span className="sizes">
        <Action word="−" label="Smaller text" doing="smaller" />
        <Action word="+" label="Larger text" doing="larger" />
      </span>
    </div>
  );
}

function Action({ keys, word, label, doing }: { keys?: string; word: string; label?: string; doing: Doing }) {
  return (
    // Takes no focus from a mouse, so that the keys go on working after a click.
    <button
      type="button"
      aria-label={label}
      data-doing={doing}
      onMouseDown={(event) => event.preventDefault()}
      onClick={() => perform(doing)}
    >
      {keys && <kbd>{keys}</kbd>}
      {word}
    </button>
  );
}
