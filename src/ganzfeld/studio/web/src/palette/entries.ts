/** What the palette offers: commands, examples, nodes to insert. */

import { perform } from "../doings";
import type { Doing } from "../keys";
import { act } from "../modes/modes";
import { addLine, insertLines } from "../text/editing";
import type { Words } from "../text/words";

export const GROUPS = ["do", "bend", "open", "insert"] as const;
export type Group = (typeof GROUPS)[number];

export interface Entry {
  name: string;
  group: Group;
  about: string;
  keys: string;
  run(): void;
}

/** A patch to open, as `/api/examples` and `/api/patches` tell it. */
export interface Listed {
  what: string;
  name: string;
  title: string;
  folder: string;
}

const COMMANDS: readonly (readonly [string, string, Doing])[] = [
  ["play all that is written", "Ctrl Shift Enter", "play all"],
  ["play all, at once", "Ctrl Alt Shift Enter", "play all now"],
  ["save the file", "Ctrl S", "save"],
  ["edit the text", "E", "edit"],
  ["map of the patch", "G", "map"],
  ["roll dice for a bend", "D", "roll"],
  ["dice: on the wall at once, or when they are taken", "", "arm dice"],
  ["take back the last bend of the dice", "Ctrl Z", "undo"],
  ["the library: networks, patches, films, pictures, songs", "B", "library"],
  ["layers of the networks", "A", "layers"],
  ["paint where a line bends", "P", "paint"],
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

/** All there is, commands first. open: opens a patch. */
export function entriesOf(
  words: Words | null,
  patches: readonly Listed[],
  open: (what: string) => void,
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
  const keep: Entry = {
    name: "keep under a name",
    group: "do",
    about: "a file of its own for what is written",
    keys: "",
    run: () => act("ask for a name"),
  };
  const opens = patches.map(({ what, name, title, folder }): Entry => {
    return { name, group: "open", about: title || folder, keys: "", run: () => open(what) };
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
  return [...commands, keep, lock, ...blendsOf(words), ...bendsOf(words), ...opens, ...nodes];
}

/** Every bend, for each network that plays, on a layer in its middle. */
function bendsOf(words: Words | null): Entry[] {
  if (!words) return [];
  return words.networks.flatMap(({ node, layers }) => {
    const layer = layers[Math.floor(layers.length / 2)] ?? "*";
    return words.bends.map(({ name, doc, arguments: rest }): Entry => {
      const line = `${node}.bend("${layer}", ${rest})`;
      return {
        name: `${name} ${node}`,
        group: "bend",
        about: `${firstSentence(doc)} (of the layer ${layer})`,
        keys: "",
        run: () => addLine(node, line),
      };
    });
  });
}

/** Every network that one which plays can be blended with. */
function blendsOf(words: Words | null): Entry[] {
  if (!words) return [];
  return words.networks.flatMap(({ node, blends }) =>
    blends.map((other): Entry => {
      const line = `${node}.blend("${other}", ${words.blending})`;
      return {
        name: `blend ${other} into ${node}`,
        group: "bend",
        about: line,
        keys: "",
        run: () => addLine(node, line),
      };
    }),
  );
}

function firstSentence(doc: string): string {
  return /^[\s\S]*?\.(?=\s|$)/.exec(doc)?.[0].replaceAll("\n", " ") ?? doc;
}
