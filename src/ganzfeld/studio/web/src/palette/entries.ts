/** What the palette offers: commands, examples, nodes to insert. */

import { perform } from "../doings";
import type { Doing } from "../keys";
import { act } from "../modes/modes";
import { insertLines } from "../text/editing";
import type { Words } from "../text/words";

export interface Entry {
  name: string;
  group: "do" | "open" | "insert";
  about: string;
  keys: string;
  run(): void;
}

/** An example, as `/api/examples` tells it. */
export interface Example {
  name: string;
  title: string;
}

const COMMANDS: readonly (readonly [string, string, Doing])[] = [
  ["play all that is written", "Ctrl Shift Enter", "play all"],
  ["play all, at once", "Ctrl Alt Shift Enter", "play all now"],
  ["save the file", "Ctrl S", "save"],
  ["edit the text", "E", "edit"],
  ["roll dice for a bend", "D", "roll"],
  ["take back the last bend of the dice", "Ctrl Z", "undo"],
  ["tap the beat", "T", "tap"],
  ["learn a control", "L", "learn"],
  ["pause, or go on", "Shift Space", "pause"],
  ["black, or back", "Ctrl .", "black"],
  ["freeze, or go on", "Ctrl Shift .", "freeze"],
  ["hide the interface", "H", "overlay"],
  ["full screen", "F", "fullscreen"],
  ["larger text", "+", "larger"],
  ["smaller text", "−", "smaller"],
  ["show all keys", "?", "sheet"],
];

/** All there is, commands first. open: opens an example. */
export function entriesOf(
  words: Words | null,
  examples: readonly Example[],
  open: (name: string) => void,
): Entry[] {
  const commands = COMMANDS.map(([name, keys, doing]): Entry => {
    return { name, keys, group: "do", about: "", run: () => perform(doing) };
  });
  const lock: Entry = {
    name: "lock the stage",
    group: "do",
    about: "knobs, snapshots and the master only",
    keys: "",
    run: () => act("toggle lock"),
  };
  const opens = examples.map(({ name, title }): Entry => {
    return { name, group: "open", about: title, keys: "", run: () => open(name) };
  });
  const nodes = (words?.nodes ?? []).map((node): Entry => {
    return {
      name: node.name,
      group: "insert",
      about: firstSentence(node.doc),
      keys: "",
      run: () => insertLines(node.example),
    };
  });
  return [...commands, lock, ...opens, ...nodes];
}

function firstSentence(doc: string): string {
  return /^[\s\S]*?\.(?=\s|$)/.exec(doc)?.[0].replaceAll("\n", " ") ?? doc;
}
