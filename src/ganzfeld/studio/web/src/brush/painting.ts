/** The brush: which line is painted, with what, and the strokes so far. One state, replaced when something changes. */

import { useSyncExternalStore } from "react";
import { currentShow } from "../live/show";
import type { Insides, PatchMap, Words } from "../live/wire";
import { act } from "../modes/modes";
import { ask } from "../panels/ask";
import { edit, takeBack } from "../text/edits";
import { fetched, kept, Unkept } from "./files";
import {
  brushOf,
  fileOf,
  firstLine,
  freeBrush,
  keyOf,
  type PaintedLine,
  paintable,
  shownNode,
} from "./lines";
import {
  type Box,
  type Change,
  emptyMask,
  filled,
  type Mask,
  MOST_STROKES,
  Stroke,
  sizeFor,
  swapped,
  type Tip,
  whole,
} from "./strokes";

export interface Painting {
  open: boolean;
  /** "ready": it can be painted. */
  state: "looking" | "ready" | "nothing" | "refused";
  lines: readonly PaintedLine[];
  line: PaintedLine | null;
  /** The node whose picture goes out unmoved. */
  shown: string;
  /** The node that shows the painting, and its file. */
  brush: string;
  file: string;
  tip: Tip;
  undoes: boolean;
  redoes: boolean;
  saving: "" | "saving" | "saved";
  /** What is wrong; and whether a name would mend it. */
  problem: string;
  needsName: boolean;
}

const SMALLEST = 0.01;
const LARGEST = 1;
const AT_FIRST: Painting = {
  open: false,
  state: "looking",
  lines: [],
  line: null,
  shown: "",
  brush: "",
  file: "",
  tip: { size: 0.16, softness: 0.5, erases: false },
  undoes: false,
  redoes: false,
  saving: "",
  problem: "",
  needsName: false,
};

/** A line's mask, its strokes, and what of it is kept. */
interface Paper {
  line: PaintedLine;
  brush: string;
  file: string;
  mask: Mask;
  done: Change[];
  undone: Change[];
  /** How many strokes there were when the line was given its mask; 0: it had it before. */
  gaveAfter: number;
  isSaving: boolean;
  savesAgain: boolean;
}

let painting = AT_FIRST;
let paper: Paper | null = null;
let stroke: Stroke | null = null;
/** Counts what is looked up, so that an old answer changes nothing. */
let round = 0;

const NO_MASK = emptyMask(1, 1);
const listeners = new Set<() => void>();
const painters = new Set<(box: Box) => void>();

function set(change: Partial<Painting>): void {
  painting = { ...painting, ...change };
  for (const listener of listeners) listener();
}

export function usePainting(): Painting {
  return useSyncExternalStore(listen, () => painting);
}

function listen(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Calls `paint` with what changes of the mask from now on, until what it returns is called. */
export function onPainted(paint: (box: Box) => void): () => void {
  painters.add(paint);
  return () => painters.delete(paint);
}

export function currentMask(): Mask {
  return paper?.mask ?? NO_MASK;
}

export function isPainting(): boolean {
  return painting.open;
}

/** Begins to paint: on a line that is wished for, or on one that can be painted. */
export function openBrush(wish: { node: string; line: string } | null = null): void {
  if (currentShow().you?.role === "watch") return;
  act("leave text"); // keys are the brush's
  set({ open: true, state: "looking", line: null, problem: "", saving: "", needsName: false });
  round += 1;
  const mine = round;
  Promise.all([ask<Insides>("/api/layers"), ask<PatchMap>("/api/map")])
    .then(async ([{ networks }, map]) => {
      if (mine !== round) return;
      const lines = paintable(networks);
      const first = firstLine(lines, patchName(), wish);
      set({ lines, shown: shownNode(map) });
      if (first) await choose(keyOf(first));
      else set({ state: "nothing" });
    })
    .catch((error: unknown) => {
      if (mine === round) refuse(error, "refused");
    });
}

export function closeBrush(): void {
  round += 1;
  stroke = null;
  paper = null;
  set({ open: false });
}

export function toggleBrush(): void {
  if (painting.open) closeBrush();
  else openBrush();
}

/** Paints another line from now on. */
export async function choose(key: string): Promise<void> {
  const line = painting.lines.find((each) => keyOf(each) === key);
  if (!line) return;
  round += 1;
  const mine = round;
  stroke = null;
  paper = null;
  set({ line, state: "looking", problem: "", saving: "", needsName: false, undoes: false, redoes: false });
  try {
    const brush = brushOf(line.line, patchName()) || freeBrush(await taken());
    const size = sizeFor(...line.size);
    const mask = (await fetched(brush, size)) ?? emptyMask(size.width, size.height);
    if (mine !== round) return;
    const file = fileOf(brush, patchName());
    paper = {
      ...{ line, brush, file, mask },
      ...{ done: [], undone: [], gaveAfter: 0, isSaving: false, savesAgain: false },
    };
    set({ state: "ready", brush, file });
    painted(whole(mask));
  } catch (error) {
    if (mine === round) refuse(error, "refused");
  }
}

export function setTip(change: Partial<Tip>): void {
  set({ tip: { ...painting.tip, ...change } });
}

/** The tip becomes larger or smaller. */
export function resizeTip(by: 1 | -1): void {
  setTip({ size: Math.min(Math.max(painting.tip.size * 1.2 ** by, SMALLEST), LARGEST) });
}

/** It paints, or takes away what was painted. */
export function toggleEraser(): void {
  setTip({ erases: !painting.tip.erases });
}

export function begin(x: number, y: number): void {
  if (!paper || painting.state !== "ready") return;
  stroke = new Stroke(paper.mask, painting.tip);
  goOn(x, y);
}

export function goOn(x: number, y: number): void {
  const box = stroke?.to(x, y);
  if (box) painted(box);
}

export function lift(): void {
  const change = stroke?.ended();
  stroke = null;
  if (change) keepChange(change);
}

export function clear(): void {
  if (!paper || painting.state !== "ready") return;
  keepChange(filled(paper.mask, 0));
  painted(whole(paper.mask));
}

export function undo(): void {
  if (paper) moveChange(paper, paper.done, paper.undone);
}

export function redo(): void {
  if (paper) moveChange(paper, paper.undone, paper.done);
}

function keepChange(change: Change): void {
  if (!paper) return;
  paper.done.push(change);
  if (paper.done.length > MOST_STROKES) {
    paper.done.shift();
    paper.gaveAfter = 0;
  }
  paper.undone.length = 0;
  changed(paper);
}

function moveChange(of: Paper, from: Change[], to: Change[]): void {
  const change = stroke ? undefined : from.pop();
  if (!change) return;
  to.push(swapped(of.mask, change));
  painted(change.box);
  changed(of);
}

function changed(of: Paper): void {
  set({ undoes: of.done.length > 0, redoes: of.undone.length > 0 });
  void save(of);
}

function painted(box: Box): void {
  for (const paint of painters) paint(box);
}

/** Writes the newest painting; while that is done, the ones between are left out. */
async function save(of: Paper): Promise<void> {
  of.savesAgain = true;
  if (of.isSaving) return;
  of.isSaving = true;
  if (of === paper) set({ saving: "saving", problem: "" });
  try {
    while (of.savesAgain) {
      of.savesAgain = false;
      const { file } = await kept(of.brush, of.mask);
      if (file !== of.file) throw new Unkept(`Another patch plays now: it is in ${file}`, false);
      await give(of);
    }
    if (of === paper) set({ saving: "saved" });
  } catch (error) {
    if (of === paper) refuse(error, "ready");
  } finally {
    of.isSaving = false;
  }
}

/** The line takes the painting as its mask, as long as there is a stroke of it. */
async function give(of: Paper): Promise<void> {
  const { node, line } = of.line;
  const has = line.mask === of.brush;
  if (!has && of.done.length > 0) {
    const strokes = of.done.length;
    const answer = await edit("mask", { node, line: line.name, mask: of.brush, file: of.file });
    if (answer.changes === null)
      throw new Unkept([answer.what, answer.hint].filter(Boolean).join(". "), false);
    of.gaveAfter = strokes;
    giveTo(of, of.brush, of.file);
  } else if (has && of.gaveAfter > 0 && of.done.length < of.gaveAfter) {
    // The stroke with which the line got it was taken back.
    takeBack();
    of.gaveAfter = 0;
    giveTo(of, "", "");
  }
}

function giveTo(of: Paper, mask: string, file: string): void {
  of.line = { ...of.line, line: { ...of.line.line, mask, mask_file: file } };
  const lines = painting.lines.map((each) => (keyOf(each) === keyOf(of.line) ? of.line : each));
  set(of === paper ? { lines, line: of.line } : { lines });
}

function refuse(error: unknown, state: "ready" | "refused"): void {
  const needsName = error instanceof Unkept && error.needsName;
  const problem = error instanceof Error ? error.message : "That did not work";
  set({ problem, needsName, saving: "", state: needsName ? "refused" : state });
}

function patchName(): string {
  return currentShow().patch?.name ?? "";
}

/** The names that the text has. */
async function taken(): Promise<Set<string>> {
  const words = await ask<Words>("/api/words");
  const nodes = words.addresses.map(({ address }) => address.split("/")[1] ?? "");
  return new Set([...Object.keys(words.types), ...nodes]);
}
