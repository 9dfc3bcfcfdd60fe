import "./library.css";
import { useState } from "react";
import type { Library, LibraryItem } from "../live/wire";
import { BroughtFiles } from "./BroughtFiles";
import { bring } from "./bringing";
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
        <BringButton library={library} />
        <div className="library-tabs" role="tablist" aria-label="Kinds">
          {TABS.map((each) => (
            <button
              key={each}
              type="button"
              role="tab"
              aria-selected={tab === each}
              onClick={() => setTab(each)}
            >
              {TAB_WORDS[each]}
            </button>
          ))}
        </div>
      </div>
      <BroughtFiles library={library} hasCome={hasCome} />
      {problem && <p className="library-word">{problem}</p>}
      {library && items.length === 0 && <Nothing library={library} typed={typed} tab={tab} />}
      <ul className="library-items" data-testid="library-items">
        {items.map((item) => (
          <li key={`${item.kind} ${item.what}`}>
            <Card
              item={item}
              isChosen={current !== null && sameItem(item, current)}
              choose={() => setChosen(item)}
            />
          </li>
        ))}
      </ul>
      {current && (
        <Chosen key={`${current.kind} ${current.what}`} item={current} close={() => setChosen(null)} />
      )}
    </div>
  );
}

function Card({ item, isChosen, choose }: { item: LibraryItem; isChosen: boolean; choose(): void }) {
  return (
    <button type="button" className="library-card" aria-pressed={isChosen} title={item.name} onClick={choose}>
      <Thumbnail item={item} />
      <span className="library-name">{item.name}</span>
      <span className="library-place">{placeWords(item)}</span>
    </button>
  );
}

export function Thumbnail({ item }: { item: LibraryItem }) {
  return (
    <span className={`library-picture ${item.kind}`}>
      {item.has_picture && item.key ? (
        <img src={`/api/library/pictures/${item.key}`} alt="" loading="lazy" decoding="async" />
      ) : (
        <span aria-hidden="true">{GLYPHS[item.kind]}</span>
      )}
    </span>
  );
}

function BringButton({ library }: { library: Library | null }) {
  const ends = library ? Object.values(library.suffixes).flat() : [];
  return (
    <label className="library-bring">
      bring files
      <input
        type="file"
        multiple
        accept={ends.join(",")}
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
  if (typed) return <p className="library-word">Nothing here is called that.</p>;
  const kind = tab === "all" ? "files" : TAB_WORDS[tab];
  const places = [library.beside, library.mine].filter(Boolean).join(" and ");
  return (
    <p className="library-word">
      No {kind} yet. Drop some on this page, or put them into {places}.
    </p>
  );
}
