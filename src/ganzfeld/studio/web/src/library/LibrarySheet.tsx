import "./library.css";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import type { Library, LibraryItem } from "../live/wire";
import { BroughtFiles } from "./BroughtFiles";
import { bring, useBrought } from "./bringing";
import { Chosen } from "./Chosen";
import { GLYPHS, placeWords, sameItem, shownItems, TAB_WORDS, TABS, type Tab } from "./items";
import { useLibrary } from "./library";

/** Everything within reach: networks, patches, films, pictures, songs; found by typing, used by a click. */
export function LibrarySheet() {
  const [tab, setTab] = useState<Tab>("all");
  const [typed, setTyped] = useState("");
  const [chosen, setChosen] = useState<LibraryItem | null>(null);
  const { library, problem, again } = useLibrary(tab);
  const items = library ? shownItems(library.items, tab, typed) : [];
  // As it is now: its picture may have been made meanwhile.
  const current = chosen && (library?.items.find((item) => sameItem(item, chosen)) ?? chosen);
  const isBusy = useBrought().length > 0 || current !== null;
  const hasCome = (item: LibraryItem) => {
    setChosen(item);
    again();
  };
  return (
    <div className="library">
      <div className="library-head">
        <input
          type="search"
          aria-label="Search the library"
          placeholder="search"
          spellCheck={false}
          autoComplete="off"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
        <BringButton />
        <fieldset className="library-tabs" aria-label="Kinds">
          {TABS.map((each) => (
            <button key={each} type="button" aria-pressed={tab === each} onClick={() => setTab(each)}>
              {TAB_WORDS[each]}
            </button>
          ))}
        </fieldset>
      </div>
      {problem && <p className="library-word">{problem}</p>}
      <div className={isBusy ? "library-body two" : "library-body"}>
        <ul className="library-items" data-testid="library-items" onKeyDown={step}>
          {items.map((item) => (
            <li key={`${item.kind} ${item.what}`}>
              <Card
                item={item}
                isChosen={current !== null && sameItem(item, current)}
                choose={() => setChosen(item)}
              />
            </li>
          ))}
          {library && items.length === 0 && <Nothing library={library} typed={typed} tab={tab} />}
        </ul>
        {isBusy && (
          // A region that scrolls can be reached by the keyboard.
          // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
          <section className="library-side" tabIndex={0} aria-label="What is brought or chosen">
            <BroughtFiles library={library} hasCome={hasCome} />
            {current && (
              <Chosen key={`${current.kind} ${current.what}`} item={current} close={() => setChosen(null)} />
            )}
          </section>
        )}
      </div>
    </div>
  );
}

/** Arrow keys go from card to card. */
function step(event: KeyboardEvent<HTMLUListElement>): void {
  const cards = [...event.currentTarget.querySelectorAll<HTMLElement>(".library-card")];
  const at = cards.indexOf(document.activeElement as HTMLElement);
  const across = cards.filter((card) => card.offsetTop === cards[0]?.offsetTop).length;
  const by = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: across, ArrowUp: -across }[event.key];
  if (by === undefined || at < 0) return;
  event.preventDefault();
  cards[at + by]?.focus();
}

function Card({ item, isChosen, choose }: { item: LibraryItem; isChosen: boolean; choose(): void }) {
  const button = useRef<HTMLButtonElement>(null);
  // What is chosen takes room from the others: it stays in sight.
  useEffect(() => {
    if (isChosen) button.current?.scrollIntoView({ block: "nearest" });
  }, [isChosen]);
  return (
    <button
      type="button"
      className="library-card"
      aria-pressed={isChosen}
      title={item.name}
      onClick={choose}
      ref={button}
    >
      <Thumbnail item={item} />
      <span className="library-name">{item.name}</span>
      <span className="library-place">{placeWords(item)}</span>
    </button>
  );
}

export function Thumbnail({ item }: { item: LibraryItem }) {
  return (
    <span className="library-picture">
      {item.has_picture && item.key ? (
        <img src={`/api/library/pictures/${item.key}`} alt="" loading="lazy" decoding="async" />
      ) : (
        <span aria-hidden="true">{GLYPHS[item.kind]}</span>
      )}
    </span>
  );
}

/** It takes every file: phones know few kinds, and would not let the others be picked. */
function BringButton() {
  return (
    <label className="library-bring">
      bring files
      <input
        type="file"
        multiple
        aria-label="Bring files"
        onChange={(event) => {
          bring(event.target.files ?? []);
          event.target.value = ""; // the same file again is news, too
        }}
      />
    </label>
  );
}

function Nothing({ library, typed, tab }: { library: Library; typed: string; tab: Tab }) {
  if (typed) return <li className="library-word">Nothing here is called that.</li>;
  const kind = tab === "all" ? "files" : TAB_WORDS[tab];
  const places = [library.beside, library.mine].filter(Boolean).join(" and ");
  return (
    <li className="library-word">
      No {kind} yet. Drop some on this page, or put them into {places}.
    </li>
  );
}
