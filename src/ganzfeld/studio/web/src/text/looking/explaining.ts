/** What a word of the text means, and which value belongs to it. */

import type { EditorState } from "@codemirror/state";
import type { Words } from "../../live/wire";
import { declaredBy, detailOf, parameterOf } from "./completing";
import { callAt, isInComment, quotesAt, wordAt } from "./place";

export interface Explained {
  from: number;
  to: number;
  title: string;
  /** Range, unit, default; "" for none. */
  detail: string;
  doc: string;
  /** The address whose value is shown. */
  address: string | null;
}

/** What stands at a place, explained; null if nothing is known of it. */
export function explain(words: Words, state: EditorState, place: number): Explained | null {
  if (isInComment(state, place) || quotesAt(state, place)) return null;
  const found = wordAt(state, place);
  if (!found) return null;
  const { from, to, word } = found;
  const about = inCall(words, state, from, to, word) ?? ofPatch(words, word) ?? ofLanguage(words, word);
  return about && { from, to, ...about };
}

type About = Omit<Explained, "from" | "to">;

/** A name before "=" in brackets is a parameter. */
function inCall(words: Words, state: EditorState, from: number, to: number, word: string): About | null {
  if (!/^\s*=(?!=)/.test(state.sliceDoc(to, to + 8))) return null;
  const call = callAt(state, from);
  if (!call) return null;
  const parameter = parameterOf(words, { ...call, argument: word });
  if (!parameter) return null;
  const [owner = ""] = call.name.split(".");
  const name = call.name.includes(".") ? null : assigned(state, from);
  const address = call.name.includes(".")
    ? addressOfLine(words, owner, word, state, from)
    : name && `/${name}/${word}`;
  const known = words.addresses.some((each) => each.address === address);
  return { title: word, detail: detailOf(parameter), doc: parameter.doc, address: known ? address : null };
}

/** The name that a statement gives to what it calls. */
function assigned(state: EditorState, place: number): string | null {
  for (let number = state.doc.lineAt(place).number; number > 0; number--) {
    const match = /^([\p{L}_][\p{L}\p{N}_]*)\s*=(?!=)/u.exec(state.doc.line(number).text);
    if (match) return match[1] ?? null;
    if (/^\S/.test(state.doc.line(number).text)) return null;
  }
  return null;
}

/** The address of a line's parameter, if only one line of the node has a parameter of this name. */
function addressOfLine(
  words: Words,
  owner: string,
  word: string,
  state: EditorState,
  place: number,
): string | null {
  const line = state.doc.lineAt(place).number;
  const number = words.numbers.find((each) => each.line === line && each.address.endsWith(`/${word}`));
  if (number) return number.address;
  const fitting = words.addresses.filter(({ address }) => {
    return (
      address.startsWith(`/${owner}/`) && address.endsWith(`/${word}`) && address.split("/").length === 4
    );
  });
  return fitting.length === 1 ? (fitting[0]?.address ?? null) : null;
}

function ofPatch(words: Words, word: string): About | null {
  const row = words.addresses.find((each) => each.reference === word && each.reference !== "");
  if (row) {
    const detail = [row.range || row.kind, row.unit, row.default && `default ${row.default}`]
      .filter(Boolean)
      .join(" ");
    return { title: word, detail, doc: row.doc, address: row.address };
  }
  const type = words.types[word];
  const node = words.nodes.find((each) => each.name === type);
  return node ? { title: word, detail: node.name, doc: firstParagraph(node.doc), address: null } : null;
}

function ofLanguage(words: Words, word: string): About | null {
  const node = declaredBy(words, word);
  if (node)
    return {
      title: word,
      detail: signature(node.parameters.map((each) => each.name)),
      doc: firstParagraph(node.doc),
      address: null,
    };
  const called = words.functions.find((each) => each.name === word);
  if (called) return { title: called.signature, detail: called.example, doc: called.doc, address: null };
  const name = words.names.find((each) => each.name === word);
  return name ? { title: word, detail: "", doc: name.doc, address: null } : null;
}

const MOST_NAMED = 12;

function signature(names: string[]): string {
  return names.length > MOST_NAMED ? `${names.slice(0, MOST_NAMED).join(", ")}, …` : names.join(", ");
}

function firstParagraph(doc: string): string {
  return (doc.split(/\n\s*\n/)[0] ?? "").replaceAll("\n", " ");
}
