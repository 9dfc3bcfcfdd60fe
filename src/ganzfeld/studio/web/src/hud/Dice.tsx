import { useState } from "react";
import { command, useShow } from "../live/show";
import { ROLLING } from "../live/wire";
import { DicePictures, WarmUp } from "../strips/DicePictures";
import { amountsOf } from "../strips/values";

const PROPOSED = [
  ["Enter", "keep", "keep"],
  ["D", "roll again", "roll"],
  ["Esc", "drop", "back"],
] as const;
/** Of a line that stands in the text, and plays. */
const PLAYING = [
  ["Enter", "keep", "keep"],
  ["D", "roll again", "roll"],
  ["Esc", "take back", "back"],
] as const;

/** What dice propose, and what can be done with it, while there is something. */
export function Dice() {
  const rolled = useShow((show) => show.status?.rolled ?? "");
  const isProposed = useShow((show) => (show.status?.rolled_after ?? 0) > 0);
  const armed = useShow((show) => show.status?.dice_armed ?? false);
  const [strip, setStrip] = useState(false);
  if (rolled === "") return null;
  if (rolled === ROLLING)
    return (
      <div className="dice" role="status">
        {!armed && <WarmUp />}
        <span className="rolling">
          rolling {ROLLING} {armed ? "a bend is looked for; it plays at once" : "a bend to try is looked for"}
        </span>
      </div>
    );
  return (
    <section className="dice" data-testid="dice" aria-label="Dice" ref={intoSight}>
      {isProposed && (
        <>
          <DicePictures line={rolled} strip={strip} />
          <code className="dice-line">{rolled}</code>
        </>
      )}
      <div className="dice-answers">
        {(isProposed ? PROPOSED : PLAYING).map(([key, does, name]) => (
          <Press key={key} onPress={() => command(name)}>
            <kbd>{key}</kbd>
            {does}
          </Press>
        ))}
      </div>
      <div className="dice-ways">
        {isProposed && amountsOf(rolled) && (
          <Press pressed={strip} title="Other amounts of it" onPress={() => setStrip(!strip)}>
            −2 … 2
          </Press>
        )}
        <Press
          pressed={armed}
          title={armed ? "What is rolled plays at once" : "What is rolled plays when it is taken"}
          onPress={() => command(armed ? "disarm" : "arm")}
        >
          on the wall at once
        </Press>
      </div>
    </section>
  );
}

/** On a phone it may be further down. */
function intoSight(card: HTMLElement | null): void {
  card?.scrollIntoView({ block: "nearest" });
}

/** Takes no focus, so that the keys go on working after a click. */
function Press({
  children,
  title,
  pressed,
  onPress,
}: {
  children: React.ReactNode;
  title?: string;
  pressed?: boolean;
  onPress(): void;
}) {
  return (
    <button
      type="button"
      tabIndex={-1}
      title={title}
      aria-pressed={pressed}
      onMouseDown={(event) => event.preventDefault()}
      onClick={onPress}
    >
      {children}
    </button>
  );
}
