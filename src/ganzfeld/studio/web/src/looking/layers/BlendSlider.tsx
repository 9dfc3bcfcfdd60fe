import { useState } from "react";
import { atDesk, releaseWhenPlayed } from "../../live/show";
import type { InsideNetwork } from "../../live/wire";
import { blend } from "./acts";
import { type BlendAt, short } from "./model";

/** How far a layer is blended with another network. The engine follows the hand, if there is a line of the layer; letting
 * go writes it, or its amount. */
export function BlendSlider({
  at,
  network,
  other,
  word,
}: {
  at: BlendAt;
  network: InsideNetwork;
  other: string;
  word: string;
}) {
  const [held, setHeld] = useState<number | null>(null);
  const isFree = Number.isFinite(at.amount);
  const value = held ?? at.amount;
  const address = at.line?.address;
  const move = (amount: number) => {
    setHeld(amount);
    if (address) atDesk({ kind: "turn", address, value: amount });
  };
  const letGo = () => {
    if (held === null) return;
    const isNew = held !== at.amount;
    if (!isNew) {
      if (address) atDesk({ kind: "release", address });
      setHeld(null);
      return;
    }
    blend(network.node, other, at.target, held).finally(() => {
      if (address) releaseWhenPlayed(address, true);
      setHeld(null);
    });
  };
  const about = at.shared ? "Other lines blend this layer, too" : undefined;
  return (
    <label
      className={at.shared ? "blend shared" : "blend"}
      title={isFree ? about : "Its amount is an expression in the text"}
    >
      <input
        type="range"
        min={Math.min(0, isFree ? at.amount : 0)}
        max={Math.max(1, isFree ? at.amount : 1)}
        step={0.01}
        value={isFree ? value : 0.5}
        disabled={!isFree}
        aria-label={`${network.node} ${word}: blend with ${other}`}
        data-target={at.target}
        onChange={({ target }) => move(Number(target.value))}
        onPointerUp={letGo}
        onKeyUp={letGo}
        onBlur={letGo}
      />
      <output>{isFree ? short(value) : "ƒ"}</output>
    </label>
  );
}
