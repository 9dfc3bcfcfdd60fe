import { useState } from "react";
import { typed } from "./curve";

interface KnobValueProps {
  name: string;
  value: number;
  /** The value as it is shown. */
  words: string;
  take(value: number): void;
}

/** A knob's value; a click makes a field of it. Enter takes what is typed, Escape leaves it. */
export function KnobValue({ name, value, words, take }: KnobValueProps) {
  const [text, setText] = useState<string | null>(null);
  if (text === null) {
    return (
      <button
        type="button"
        className="knob-value"
        aria-label={`Type a value for ${name}, now ${words}`}
        onClick={() => setText(String(Number(value.toPrecision(6))))}
      >
        {words}
      </button>
    );
  }
  const done = () => {
    const wanted = typed(text);
    if (wanted !== null) take(wanted);
    setText(null);
  };
  return (
    <input
      className="knob-value"
      aria-label={`Value of ${name}`}
      inputMode="decimal"
      // biome-ignore lint/a11y/noAutofocus: who clicks a value wants to type
      autoFocus
      value={text}
      onFocus={(event) => event.target.select()}
      onChange={(event) => setText(event.target.value)}
      onBlur={done}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Enter") done();
        else if (event.key === "Escape") setText(null);
      }}
    />
  );
}
