import { useState } from "react";
import type { LibraryItem, UnfitLine } from "../live/wire";
import { size } from "../panels/recording";
import { useWords } from "../text/words";
import { nodesFor, nodeTypeOf, outputOf, placeWords } from "./items";
import { Thumbnail } from "./LibrarySheet";
import { addNode, hear, open, playIn, unfitLines } from "./using";

interface Question {
  node: string;
  lines: readonly UnfitLine[];
}

/** What was chosen, and what can be done with it. */
export function Chosen({ item, close }: { item: LibraryItem; close(): void }) {
  const words = useWords();
  const [busy, setBusy] = useState("");
  const [done, setDone] = useState("");
  const [question, setQuestion] = useState<Question | null>(null);
  const nodes = nodesFor(item, words);
  const output = outputOf(words);

  const act = async (what: string, doing: () => Promise<boolean>, word: string) => {
    setBusy(what);
    setDone("");
    if (await doing()) setDone(word);
    setBusy("");
  };
  const use = (node: string) =>
    act(
      node,
      async () => {
        if (item.kind !== "network") return playIn(item, node);
        const lines = await unfitLines(item, node);
        if (!lines) return false;
        if (lines.length === 0) return playIn(item, node);
        setQuestion({ node, lines });
        return false;
      },
      `it is written into ${node}`,
    );
  const playWithout = ({ node, lines }: Question) => {
    setQuestion(null);
    void act(
      node,
      () => playIn(item, node, lines),
      `it is written into ${node}, and what does not fit is muted`,
    );
  };

  return (
    <section className="library-chosen" aria-label={item.name} data-testid="library-chosen">
      <Thumbnail item={item} />
      <div className="library-facts">
        <h3>{item.name}</h3>
        <p>
          {[item.about, placeWords(item), item.size > 0 ? size(item.size) : ""].filter(Boolean).join(" · ")}
        </p>
        {item.folder && !question && <p className="library-path">{item.folder}</p>}
        {question ? (
          <Unfit question={question} use={() => playWithout(question)} leave={() => setQuestion(null)} />
        ) : (
          <div className="library-acts">
            {item.kind === "patch" && (
              <button type="button" onClick={() => open(item)}>
                open it
              </button>
            )}
            {nodes.map((node) => (
              <button key={node} type="button" disabled={busy !== ""} onClick={() => use(node)}>
                {busy === node ? "one moment" : `play it in ${node}`}
              </button>
            ))}
            {nodeTypeOf(item.kind) && output && (
              <button
                type="button"
                disabled={busy !== ""}
                title="A node of its own, which the output shows in the place of what it shows now"
                onClick={() => act("show", () => addNode(item, output), "the output shows it")}
              >
                show it
              </button>
            )}
            {nodeTypeOf(item.kind) && (
              <button
                type="button"
                disabled={busy !== ""}
                onClick={() => act("add", () => addNode(item), "it is a node of the text now")}
              >
                add a node
              </button>
            )}
            {(item.kind === "song" || item.kind === "film") && (
              <button
                type="button"
                disabled={busy !== ""}
                onClick={() => act("hear", () => hear(item), "it is heard")}
              >
                {item.kind === "film" ? "hear its sound" : "hear it"}
              </button>
            )}
            <output>{done}</output>
          </div>
        )}
      </div>
      <button type="button" className="library-close" aria-label="Close" onClick={close}>
        ✕
      </button>
    </section>
  );
}

/** Before a network is used: which lines have no place in it. */
function Unfit({ question, use, leave }: { question: Question; use(): void; leave(): void }) {
  const { node, lines } = question;
  const count = lines.length === 1 ? "One line does" : `${lines.length} lines do`;
  return (
    <div className="library-unfit" role="alert">
      <p>
        {count} not fit this network. {node} can play it without: such a line stays in the text, muted.
      </p>
      <div className="library-acts">
        <button type="button" className="answer" onClick={use}>
          use it, mute {lines.length === 1 ? "this line" : "these lines"}
        </button>
        <button type="button" onClick={leave}>
          never mind
        </button>
      </div>
      <ul>
        {lines.map((line) => (
          <li key={line.line}>
            <s>{line.text}</s>
            <span>{line.what}</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
