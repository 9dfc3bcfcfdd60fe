import { useState } from "react";
import type { InsideNetwork } from "../../live/wire";
import { fitting } from "../../palette/matching";
import { useWords } from "../../text/words";
import type { Chosen } from "./chosen";
import type { Choose } from "./Layers";
import { leaving } from "./leaving";
import type { BendDrag } from "./useBendDrag";

/** Every bend of layers: dragged onto one, or put on the chosen one by a click; under the pointer it is in the preview. */
export function Bends({
  network,
  chosen,
  choose,
  drag,
}: {
  network: InsideNetwork;
  chosen: Chosen;
  choose: Choose;
  drag: BendDrag;
}) {
  const [typed, setTyped] = useState("");
  const words = useWords();
  const bends = (words?.bends ?? []).map((word) => ({ ...word, about: word.doc, group: "bend" }));
  const layer = network.layers.find(({ name }) => name === chosen.layer);
  const where = layer ? `${network.node}, ${layer.short}` : `all layers of ${network.node}`;
  return (
    <section className="bends" aria-label="Bends">
      <input
        type="search"
        placeholder="a bend …"
        aria-label="Search the bends"
        spellCheck={false}
        autoComplete="off"
        maxLength={100}
        value={typed}
        onChange={({ target }) => setTyped(target.value)}
        onKeyDown={leaving}
      />
      <ul>
        {fitting(bends, typed).map((word) => (
          <li key={word.name}>
            <button
              type="button"
              className="bend-word"
              title={`${word.doc} A click bends ${where}`}
              data-bend={word.name}
              onPointerDown={(event) => drag.press(event, word)}
              onPointerMove={drag.move}
              onPointerUp={drag.lift}
              onPointerCancel={drag.cancel}
              onPointerEnter={() => choose({ do: "try", bend: word.arguments })}
              onPointerLeave={() => choose({ do: "try", bend: "" })}
              onFocus={() => choose({ do: "try", bend: word.arguments })}
              onBlur={() => choose({ do: "try", bend: "" })}
              onClick={() => {
                choose({ do: "try", bend: "" });
                drag.put(word);
              }}
            >
              <b>{word.name}</b>
              <small>{word.arguments}</small>
            </button>
          </li>
        ))}
      </ul>
      <p className="layers-hint">
        {words ? `Drag one onto a layer; a click bends ${where}.` : "The bends come …"}
      </p>
    </section>
  );
}
