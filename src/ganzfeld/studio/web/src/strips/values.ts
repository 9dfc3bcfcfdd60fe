/** Which number a film strip is about, and the five values that it shows. */

import { ensureSyntaxTree, syntaxTree } from "@codemirror/language";
import { EditorState } from "@codemirror/state";
import type { SyntaxNode } from "@lezer/common";
import type { NumberWord, Words } from "../live/wire";
import { type Draggable, draggableAt } from "../text/dragging/numbers";
import { writtenAs } from "../text/dragging/steps";
import { patchLanguage } from "../text/language";

/** A number of the text, and five others in its place. */
export interface Strip {
  from: number;
  to: number;
  /** As they would be written. */
  values: readonly string[];
  /** Which of them is written now; −1: none. */
  now: number;
  /** What the studio knows of the number; null for one in an expression. */
  known: NumberWord | null;
}

/** How many times what is written, where no range is declared. */
const TIMES = [-2, -1, 0, 1, 2];
const PATIENCE = 100;
/** Other values of these show nothing, or nothing that can be played. */
const NO_STRIP: ReadonlySet<string> = new Set(["size", "fps", "name", "device", "channels", "target"]);
const NO_CALL: ReadonlySet<string> = new Set(["bpm", "swap", "hold", "knob", "range", "out"]);

/** The strip for the number at a place, or for the amount of the argument that the place is in; null: there is none.
 * only: the number itself must be there. */
export function stripAt(state: EditorState, place: number, words: Words | null, only = false): Strip | null {
  const own = draggableAt(state, place, words);
  if (own && isIn(own, place)) return stripOf(state, own);
  if (only) return null;
  const amount = amountAt(state, place);
  const found = amount === null ? null : draggableAt(state, amount, words);
  return found && stripOf(state, found);
}

/** The five lines that a line is with other amounts, and the amounts; null if it has none. */
export function amountsOf(
  line: string,
): { lines: readonly string[]; values: readonly string[]; now: number } | null {
  const state = EditorState.create({ doc: line, extensions: [patchLanguage] });
  const bracket = line.indexOf("(");
  const strip = bracket < 0 ? null : stripAt(state, bracket + 1, null);
  if (!strip) return null;
  const lines = strip.values.map((value) => line.slice(0, strip.from) + value + line.slice(strip.to));
  return { lines, values: strip.values, now: strip.now };
}

function isIn({ from, to }: Draggable, place: number): boolean {
  return from <= place && place <= to;
}

function stripOf(state: EditorState, number: Draggable): Strip | null {
  if (!isAbout(state, number.from)) return null;
  const signed = number.known ? number : withSign(state, number);
  const values = valuesOf(signed);
  if (new Set(values).size < values.length) return null;
  const { from, to, known, written } = signed;
  return { from, to, values, known, now: values.indexOf(written) };
}

/** Five values across the declared range, or from −2 to 2 times what is written. What is written is one of them, in the
 * place of the nearest, where it is in that range. */
export function valuesOf(number: Pick<Draggable, "written" | "value" | "span">): string[] {
  const { span, value, written } = number;
  if (!span || !Number.isFinite(span.low) || !Number.isFinite(span.high) || span.low >= span.high)
    return TIMES.map((times) => (times === 1 && value !== 0 ? written : short(times * (value || 1), number)));
  const step = (span.high - span.low) / 4;
  const own = Math.round((value - span.low) / step);
  return TIMES.map((_, place) => (place === own ? written : short(span.low + place * step, number)));
}

function short(value: number, number: Pick<Draggable, "written" | "value" | "span">): string {
  if (!number.span && Number.isInteger(number.value)) return String(value + 0);
  return writtenAs({ ...number, span: null, written: value.toPrecision(3) }, Number(value.toPrecision(3)));
}

/** A sign before a number within an expression belongs to it. */
function withSign(state: EditorState, number: Draggable): Draggable {
  const before = state.sliceDoc(Math.max(0, number.from - 8), number.from);
  const isSigned = /(^|[(,=*/+\-[<>])\s*-$/.test(before);
  if (!isSigned || number.written.startsWith("-")) return number;
  return { ...number, from: number.from - 1, written: `-${number.written}`, value: -number.value };
}

/** Whether other values of the number at a place are worth a look. */
function isAbout(state: EditorState, place: number): boolean {
  for (let node: SyntaxNode | null = nodeAt(state, place); node; node = node.parent) {
    if (node.name === "ArgList") {
      const call = node.prevSibling ? state.sliceDoc(node.prevSibling.from, node.prevSibling.to) : "";
      if (NO_CALL.has(call)) return false;
      const name = argumentsIn(state, node).find(({ from, to }) => from <= place && place <= to)?.name;
      if (name !== undefined && NO_STRIP.has(name)) return false;
    }
    if (node.name === "ForStatement") return false;
  }
  return true;
}

interface Argument {
  /** "" for one without a name. */
  name: string;
  from: number;
  to: number;
}

/** Where the amount of the argument at a place is; on a line such as `face.bend(…)`, of the first that has one. */
function amountAt(state: EditorState, place: number): number | null {
  for (let at: SyntaxNode | null = nodeAt(state, place); at; at = at.parent) {
    const node = at.name === "CallExpression" ? at.getChild("ArgList") : at;
    if (node?.name !== "ArgList") continue;
    const all = argumentsIn(state, node);
    const here = all.find(({ from, to }) => from <= place && place <= to);
    const own = here ? amountIn(state, here) : null;
    if (own !== null) return own;
    if (node.prevSibling?.name !== "MemberExpression") continue;
    for (const each of all) {
      const found = NO_STRIP.has(each.name) || each.name === "seed" ? null : amountIn(state, each);
      if (found !== null) return found;
    }
  }
  return null;
}

/** The number that an argument's value is multiplied with, or its first one. */
function amountIn(state: EditorState, { from, to }: Argument): number | null {
  const numbers: SyntaxNode[] = [];
  tree(state, to).iterate({
    from,
    to,
    enter(node) {
      if (node.name === "Number" && node.from >= from && node.to <= to) numbers.push(node.node);
    },
  });
  const factor = numbers.find((node) => /^\s*\*(?!\*)/.test(state.sliceDoc(node.to, node.to + 4)));
  return (factor ?? numbers[0])?.from ?? null;
}

function argumentsIn(state: EditorState, list: SyntaxNode): Argument[] {
  const found: Argument[] = [];
  let now: Argument | null = null;
  for (let node = list.firstChild; node; node = node.nextSibling) {
    if (node.name === "(" || node.name === ")" || node.name === ",") {
      if (now) found.push(now);
      now = null;
      continue;
    }
    now ??= { name: "", from: node.from, to: node.to };
    if (node.name === "AssignOp" && now.name === "") now.name = state.sliceDoc(now.from, node.from).trim();
    now.to = node.to;
  }
  if (now) found.push(now);
  return found;
}

function nodeAt(state: EditorState, place: number): SyntaxNode {
  return tree(state, place).resolveInner(place, -1);
}

function tree(state: EditorState, place: number) {
  return ensureSyntaxTree(state, Math.min(place + 1, state.doc.length), PATIENCE) ?? syntaxTree(state);
}
