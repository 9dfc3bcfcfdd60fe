/** What may stand at a place of the text, from the words of the patch that plays. */

import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import type { EditorState } from "@codemirror/state";
import type { MethodWord, NodeWord, ParameterWord, Words } from "../../live/wire";
import { names } from "../language";
import { type Call, callAt, isInComment, quotesAt } from "./place";

/** A completion source for what is known at the moment. */
export function completing(known: () => Words | null) {
  return (context: CompletionContext): CompletionResult | null => {
    const words = known();
    const { state, pos } = context;
    if (!words || isInComment(state, pos)) return null;
    const call = callAt(state, pos);
    const quotes = quotesAt(state, pos);
    if (quotes) return inQuotes(words, call, quotes.from, quotes.written);
    const dotted = context.matchBefore(/[\p{L}_][\p{L}\p{N}_]*\.[\p{L}\p{N}_.]*$/u);
    if (dotted) return afterDot(words, dotted.from, dotted.text);
    const word = context.matchBefore(/[\p{L}_][\p{L}\p{N}_]*$/u);
    if (!word && !context.explicit) return null;
    const options = [
      ...(call ? parametersOf(words, call) : []),
      ...valuesOf(words, call),
      ...everything(words, call),
      ...written(words, state),
    ];
    return { from: word?.from ?? pos, options, validFor: /^[\p{L}\p{N}_]*$/u };
  };
}

/** The node type or line that a call is one of; null for functions and what is not known. */
export function declaredBy(words: Words, callee: string): NodeWord | MethodWord | null {
  const [name = "", method] = callee.split(".");
  if (method === undefined) return words.nodes.find((node) => node.name === name) ?? null;
  const type = words.types[name];
  const node = words.nodes.find((each) => each.name === type);
  const methods = node ? node.methods : words.nodes.flatMap((each) => each.methods);
  return methods.find((each) => each.name === method) ?? null;
}

/** The parameter that an argument of a call is for. */
export function parameterOf(words: Words, call: Call): ParameterWord | null {
  const parameters = declaredBy(words, call.name)?.parameters ?? [];
  if (typeof call.argument === "number") return parameters[call.argument] ?? null;
  return parameters.find((each) => each.name === call.argument) ?? null;
}

function parametersOf(words: Words, call: Call): Completion[] {
  if (typeof call.argument === "string") return [];
  const parameters = declaredBy(words, call.name)?.parameters ?? [];
  return parameters
    .filter((parameter) => !call.given.includes(parameter.name))
    .map((parameter, index) => ({
      label: parameter.name,
      apply: `${parameter.name}=`,
      type: "property",
      detail: detailOf(parameter),
      info: parameter.doc,
      boost: 60 - index / 10,
    }));
}

export function detailOf({ kind, range, unit, default: written }: ParameterWord): string {
  const span = range ? `${range[0]} … ${range[1]}${unit && ` ${unit}`}` : kind;
  return written ? `${span}, default ${written}` : span;
}

/** What may be chosen where one of a few things may stand. */
function valuesOf(words: Words, call: Call | null): Completion[] {
  const parameter = call && parameterOf(words, call);
  return (parameter?.options ?? []).map((label) => ({ label, type: "enum", boost: 90 }));
}

function everything(words: Words, call: Call | null): Completion[] {
  const types = new Set(Object.keys(words.types));
  return [
    ...words.nodes.map((node): Completion => {
      return {
        label: node.name,
        type: "class",
        detail: node.makes.join(", ") || "output",
        info: node.doc,
        boost: call ? -5 : 5,
      };
    }),
    ...words.functions.map((each): Completion => {
      return {
        label: each.name,
        type: "function",
        detail: each.signature.slice(each.name.length),
        info: each.doc,
      };
    }),
    ...words.names.map((each): Completion => ({ label: each.name, type: "constant", info: each.doc })),
    ...[...types].map(
      (label): Completion => ({ label, type: "variable", detail: words.types[label], boost: 10 }),
    ),
    ...words.addresses
      .filter(({ kind, reference }) => (kind === "signal" || kind === "knob") && !reference.includes("."))
      .map((each): Completion => ({ label: each.reference, type: "variable", detail: each.kind, boost: 10 })),
  ];
}

/** Names that are written and do not play yet. */
function written(words: Words, state: EditorState): Completion[] {
  const played = new Set([...Object.keys(words.types), ...words.addresses.map((each) => each.reference)]);
  const defined = names(state).filter(({ kind }) => kind === "defined");
  const found = new Set(defined.map(({ from, to }) => state.sliceDoc(from, to)));
  return [...found]
    .filter((name) => !played.has(name))
    .map((label) => ({ label, type: "variable", detail: "not played" }));
}

function afterDot(words: Words, from: number, written: string): CompletionResult | null {
  const [name = ""] = written.split(".");
  const type = words.types[name];
  const node = words.nodes.find((each) => each.name === type);
  const options: Completion[] = [];
  for (const method of node?.methods ?? [])
    options.push({
      label: `${name}.${method.name}`,
      type: "method",
      detail: "line",
      info: method.doc,
      boost: 20,
    });
  for (const each of words.addresses)
    if (each.reference.startsWith(`${name}.`))
      options.push({
        label: each.reference,
        type: "property",
        detail: each.range || each.kind,
        info: each.doc,
      });
  for (const each of words.functions)
    if (each.name.startsWith(`${name}.`))
      options.push({
        label: each.name,
        type: "function",
        detail: each.signature.slice(each.name.length),
        info: each.doc,
      });
  return options.length > 0 ? { from, options, validFor: /^[\p{L}\p{N}_.]*$/u } : null;
}

function inQuotes(words: Words, call: Call | null, start: number, written: string): CompletionResult | null {
  if (!call) return null;
  const parameter = parameterOf(words, call);
  const quoted = (parameter?.options ?? []).filter((option) => option.startsWith('"'));
  if (quoted.length > 0) {
    const options = quoted.map((option): Completion => ({ label: option.slice(1, -1), type: "enum" }));
    return { from: start, options, validFor: /^[^"']*$/ };
  }
  const network = words.networks.find((each) => each.node === call.name.split(".")[0]);
  if (network && call.name.includes(".")) return ofNetwork(network.layers, network.weights, start, written);
  return addressesInQuotes(words, start, written);
}

/** Several layers may stand in one text, with blanks between them. */
function ofNetwork(layers: string[], weights: string[], start: number, written: string): CompletionResult {
  const from = start + (/[^\s,]*$/.exec(written)?.index ?? 0);
  const options = [
    ...layers.map(
      (label, index): Completion => ({ label, type: "type", detail: "layer", boost: 50 - index / 10 }),
    ),
    ...weights.map((label): Completion => ({ label, type: "text", detail: "weight" })),
  ];
  return { from, options, validFor: /^[^\s,"']*$/ };
}

function addressesInQuotes(words: Words, from: number, written: string): CompletionResult | null {
  if (!written.startsWith("/")) return null;
  const options = words.addresses.map((each): Completion => {
    return { label: each.address, type: "property", detail: each.range || each.kind, info: each.doc };
  });
  return { from, options, validFor: /^[^"']*$/ };
}
