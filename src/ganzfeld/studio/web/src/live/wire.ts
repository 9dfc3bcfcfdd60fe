/** The messages between the page and the studio. Written by `python -m ganzfeld.studio.wire_types`: edit the
    structs in studio/wire.py and values/ instead. */

/** What `Status.rolled` is while dice roll. */
export const ROLLING = "…";

/** The kind of every message of the studio. */
export const KINDS: readonly string[] = [
  "frame",
  "atlas",
  "beat",
  "status",
  "patch",
  "notice",
  "desk",
  "document",
  "updates",
  "document_state",
  "played",
  "carets",
  "you",
  "edited",
  "previewed",
];

export type Phase = "starting" | "loading" | "opened" | "playing";

export type DoorState = "starting" | "open" | "waiting" | "failed" | "ended";

export type TurnedBy = "text" | "hand" | "snapshot" | "midi" | "osc";

export type Curve = number | "log";

export type Unit = "seconds" | "beats";

export type When = "now" | "beat" | "bar";

export type UpdateKind = "typed" | "undo" | "drag" | "file" | "dice" | "learn" | "merge" | "open";

export type Wait = "building" | "waiting";

export type Changes = (number | (number | string)[])[];

export type CommandName =
  | "pause"
  | "resume"
  | "restart"
  | "trust"
  | "later"
  | "roll"
  | "keep"
  | "back"
  | "arm"
  | "disarm"
  | "tap"
  | "take"
  | "end_take";

export type DoorVerb = "open" | "close" | "change" | "again" | "start" | "stop" | "record";

export type SnapshotVerb =
  | "store"
  | "recall"
  | "morph"
  | "release"
  | "rename"
  | "delete"
  | "undelete"
  | "order"
  | "undo"
  | "place"
  | "fade"
  | "readdress";

export type ArrivalSource = "osc" | "midi";

export type Role = "play" | "watch" | "output";

export type FileKind = "network" | "patch" | "film" | "picture" | "song";

export type Driver = "text" | "formula" | "knob" | "midi" | "osc" | "sound";

export type WireKind = "image" | "latent" | "number";

export type ViewKind = "node" | "layer" | "channels" | "histogram" | "spectrum" | "weight";

export type AtDesk =
  | KnobTurned
  | KnobReleased
  | SnapshotAction
  | LearnControl
  | MasterMoved
  | SoundFloor
  | SoundChosen;

export type AtText = PushUpdates | MergeEdits | PlayText | SaveText | ResolveConflict | CaretMoved | Edit;

export type AtPreviews = AskPreviews | TakeRoll;

export type FromPage =
  | Acknowledgement
  | AtlasDrawn
  | Look
  | PageCommand
  | DoorAction
  | KeepAs
  | OpenPatch
  | KnobTurned
  | KnobReleased
  | SnapshotAction
  | LearnControl
  | MasterMoved
  | SoundFloor
  | SoundChosen
  | PushUpdates
  | MergeEdits
  | PlayText
  | SaveText
  | ResolveConflict
  | CaretMoved
  | Edit
  | AskPreviews
  | TakeRoll;

export type FromStudio =
  | EncodedFrame
  | EncodedAtlas
  | Beat
  | Status
  | PatchSource
  | Refusal
  | Desk
  | DocumentText
  | DocumentUpdates
  | DocumentState
  | BlockPlayed
  | Carets
  | You
  | Edited
  | PreviewDrawn;

/**
 * A picture. t: the show's time in seconds. width, height: in pixels. sent: the studio's clock in Unix seconds when
 * the JPEG was ready. jpeg: the picture over black. alpha: a grey JPEG of its transparency, empty if it is opaque or
 * was not asked for.
 */
export interface EncodedFrame {
  kind: "frame";
  number: number;
  t: number;
  width: number;
  height: number;
  sent: number;
  jpeg: Uint8Array<ArrayBuffer>;
  alpha: Uint8Array<ArrayBuffer>;
}

/** A cell, by the number that the page gave its view. */
export interface CellOfPage {
  x: number;
  y: number;
  width: number;
  height: number;
  numbers: number[];
  channels: number[];
  problem: string;
  id: number;
}

/** The pictures of all that a page looks at, in one JPEG. t: the show's time in seconds. */
export interface EncodedAtlas {
  kind: "atlas";
  number: number;
  t: number;
  width: number;
  height: number;
  jpeg: Uint8Array<ArrayBuffer>;
  cells: CellOfPage[];
}

/** Says to a clean page that the studio lives, while there is no picture. */
export interface Beat {
  kind: "beat";
}

/** An error as the person reads it (see `errors.GanzfeldError`). Lines and columns count from 1. */
export interface Problem {
  what: string;
  hint: string;
  file: string | null;
  line: number | null;
  column: number | null;
  address: string | null;
}

/**
 * How one door is doing.
 *
 * Known by the supervisor:
 * name: what the person calls it. type: its kind, such as "window". to: its far end, as the person wrote it. picture:
 * the output it shows, "" for the main one. state: see `DoorState`. problem: what is wrong, or None. restarts: how
 * often its process was started again. again_in: seconds until it is, or 0. level, black, frozen: its own master.
 *
 * Told by the door:
 * note: what it has to say of its far end ("HDMI-1, 1920 × 1080 at 60 Hz"). fps: pictures shown in the last second.
 * shown: pictures since it was opened. width, height: of what is shown, in pixels. refresh: pictures a second that the
 * far end asks for, 0 if it does not say; refreshed_at: when it asked last (perf_counter). seconds, size: of a film
 * that is being recorded, how long it is and its bytes on disk so far.
 */
export interface DoorStatus {
  name: string;
  type: string;
  to: string;
  picture: string;
  state: DoorState;
  problem: Problem | null;
  restarts: number;
  again_in: number;
  level: number;
  black: number;
  frozen: boolean;
  note: string;
  fps: number;
  shown: number;
  width: number;
  height: number;
  refresh: number;
  refreshed_at: number;
  seconds: number;
  size: number;
}

/** The master of all doors (see `values.master`): level and black from 0 to 1, and whether all are frozen. */
export interface MasterStatus {
  level: number;
  black: number;
  frozen: boolean;
}

/**
 * A take that is recorded. name, path: of its file. seconds: how long it has been. size: its bytes on disk so
 * far.
 */
export interface TakeStatus {
  name: string;
  path: string;
  seconds: number;
  size: number;
}

/**
 * How a show is doing: told a few times a second, and at once when there is news.
 *
 * Measured by the render process:
 * phase: how far it has come. playing_version: of the patch's text that plays (None: none does yet). opened_in:
 * seconds that opening the patch took, a first frame on scratch state included.
 * heard_version: of the newest text that it was given. is_building: whether a text is being built. ready_version: of a
 * text that is built and does not play yet (0: none); ready_beats: it plays when this many beats begin (4: a bar).
 * fps: frames made in the last second. rate: frames a second that are asked for. division: by what that is divided, so
 * that frames come evenly on a machine that does not reach it.
 * frame_ms, worst_ms: median and longest time of a frame, in milliseconds.
 * halvings: how many times the networks' inner size is halved, to hold the rate.
 * skipped: frames that were left out because they were late; dropped: frames for which readers left no room; both
 * since the process began.
 * frame: frames since the show began. t: the show's time in seconds, as it was `at` (perf_counter, which all
 * processes of a machine share). beat: beats since the show began. bpm: beats a minute. speed: seconds of show time
 * in a second.
 * follow: what the tempo is taken from ("midi", "audio", "link", "tap"), or None. expected: about how many beats a
 * minute that may have, if the patch says so. floor: the decibels below which sound is silence, if it says so.
 * device: where networks run, such as "cuda:0". outputs: their names, the main one first.
 * errors: what is wrong now. pending_trust: paths of script files that wait for a person's permission to run.
 *
 * Added by the supervisor:
 * width, height: of the main output's newest picture, in pixels; 0 before the first. patch_name: the patch's file
 * name, without its folders. patch_version: of the patch's newest text, whether it plays or not.
 * render_alive: False while there is no render process; the last picture is held until it is back.
 * put_off: of `pending_trust`, those of which a person said on the page: not now.
 * rolled: the line that dice propose, `ROLLING` while they roll, "" if there is none. rolled_after: the line of the
 * patch's newest text after which it would stand, from 1; 0: it stands in the text and plays, or there is none.
 * dice_armed: whether what dice roll plays at once.
 * doors: where pictures leave to, in the order in which they were opened. master: what holds for all of them.
 * take: the take that is recorded, or None.
 * osc_dropped: messages of OSC that could not be read, since the show began; osc_dropped_last: the last one's address
 * and what was wrong with it, "" if there is none.
 */
export interface Status {
  kind: "status";
  phase: Phase;
  playing_version: number | null;
  opened_in: number;
  heard_version: number;
  is_building: boolean;
  ready_version: number;
  ready_beats: number;
  fps: number;
  rate: number;
  division: number;
  frame_ms: number;
  worst_ms: number;
  halvings: number;
  skipped: number;
  dropped: number;
  frame: number;
  t: number;
  at: number;
  beat: number;
  bpm: number;
  speed: number;
  paused: boolean;
  follow: string | null;
  expected: number | null;
  floor: number | null;
  device: string;
  outputs: string[];
  errors: Problem[];
  pending_trust: string[];
  width: number;
  height: number;
  patch_name: string;
  patch_version: number;
  render_alive: boolean;
  put_off: string[];
  rolled: string;
  rolled_after: number;
  dice_armed: boolean;
  osc_dropped: number;
  osc_dropped_last: string;
  doors: DoorStatus[];
  master: MasterStatus;
  take: TakeStatus | null;
}

/**
 * The patch's newest text, even when it cannot be built and the one before it plays on: errors point into it.
 *
 * name: its file's name, without folders. version: changes whenever the text does.
 */
export interface PatchSource {
  kind: "patch";
  name: string;
  text: string;
  version: number;
}

/** The answer to a command that could not be done, or not as a person may think. */
export interface Refusal {
  kind: "notice";
  what: string;
  hint: string;
}

/**
 * A knob of the patch (see `patch.models.Knob`).
 *
 * position: where its value lies in its range, 0 to 1. by: who turned it to where it is. curve: the exponent of the
 * way from position to value, or "log". midi: its controller, "channel/number". osc: its OSC address.
 */
export interface KnobOnDesk {
  address: string;
  value: number;
  position: number;
  by: TurnedBy;
  low: number;
  high: number;
  curve: Curve;
  default: number;
  midi: string | null;
  osc: string | null;
}

/**
 * A snapshot. at: its place on the pad, 0 to 1 from the left and from the bottom. midi: the control that recalls
 * it, "note 1/60" or "cc 1/20". misfits: addresses it names that the patch cannot turn so. key: stands for its name
 * and values. has_picture: the studio has one of it, by this key.
 */
export interface SnapshotOnDesk {
  name: string;
  at: [number, number];
  midi: string | null;
  misfits: string[];
  key: string;
  has_picture: boolean;
}

/** A snapshot that was deleted and can be had back; key, has_picture: as of `SnapshotOnDesk`. */
export interface BinnedSnapshot {
  name: string;
  key: string;
  has_picture: boolean;
}

/**
 * A parameter whose value is a plain number in the patch's text, which a knob may take the place of. Lines and
 * columns count from 1; length: in characters.
 */
export interface LearnableNumber {
  address: string;
  line: number;
  column: number;
  length: number;
}

/**
 * A control that is being learned: what is chosen and touched so far.
 *
 * target: the address of what is to be turned, or "snapshot:" and a snapshot's name. control: "cc 1/74" or
 * "note 1/60". numbers: what in the text may be chosen beside the knobs and snapshots.
 */
export interface Lesson {
  target: string | null;
  control: string | null;
  numbers: LearnableNumber[];
}

/**
 * What hands stand at: told when it changes, up to 20 times a second.
 *
 * Told by the render process:
 * held: addresses held by hands and snapshots, with their values (None: more than one number). mixed: those of them
 * that a snapshot holds. fade: how recalls
 * arrive: length, unit, when they begin. shown: names of the snapshots that were recalled last; share: how far they
 * have arrived, 0 to 1. bin: snapshots that were deleted and can be had back, the last one last. undoes: what would be
 * undone at the snapshots ("delete dawn"), "" if there is nothing. waiting: one that waits for its beat. at: the place
 * on the pad, if it was a morph.
 *
 * Added by the supervisor:
 * lesson: what is being learned, if anything is. kept: whether snapshots have a file, so that they outlive the show.
 *
 * Added by the studio: which snapshots have a picture.
 */
export interface Desk {
  kind: "desk";
  knobs: KnobOnDesk[];
  held: Record<string, unknown>;
  mixed: string[];
  snapshots: SnapshotOnDesk[];
  fade: [number, Unit, When];
  shown: string[];
  share: number;
  waiting: string | null;
  bin: BinnedSnapshot[];
  undoes: string;
  at: [number, number] | null;
  lesson: Lesson | null;
  kept: boolean;
}

/**
 * The whole document. log: the id of the log that `version` counts in. first: who knows a version from there on can
 * go on from it, and need not take the text. name: the patch's, without folders. file: the path of its file, None if
 * it has none. reset: take the text all the same, because what was pushed last makes no sense.
 */
export interface DocumentText {
  kind: "document";
  log: string;
  version: number;
  first: number;
  name: string;
  text: string;
  file: string | null;
  reset: boolean;
}

/** One change of the document. client: who made it, "" the show itself. */
export interface Update {
  client: string;
  changes: Changes;
  what: UpdateKind;
}

/** What was changed after version `since` of this log, in order. None is left out. */
export interface DocumentUpdates {
  kind: "updates";
  log: string;
  since: number;
  updates: Update[];
}

/**
 * A part of the document that somebody changed elsewhere, too, and otherwise. number: its name in
 * `ResolveConflict`. start, end: where it is in the document. ours: what stands there. theirs: what the file says.
 */
export interface Disagreement {
  number: number;
  start: number;
  end: number;
  ours: string;
  theirs: string;
}

/**
 * A text that was sent to play and does not yet. version: `PatchSource.version` of it. phase "building": it is
 * being built. "waiting": it is ready, and waits for its beat or bar: so many beats, and seconds, are left.
 */
export interface Waiting {
  version: number;
  phase: Wait;
  beats_left: number;
  seconds_left: number;
}

/**
 * What is known of the document as it was at a version.
 *
 * saved: its file holds just this text; None: it has no file. disagreements: what could not be merged when the file
 * was saved elsewhere. waits: a text that is on its way to be played, or None. failed: `PatchSource.version` of the
 * newest text, if it cannot be played (`Status.errors` say why), or None.
 */
export interface DocumentState {
  kind: "document_state";
  log: string;
  version: number;
  saved: boolean | null;
  disagreements: Disagreement[];
  waits: Waiting | null;
  failed: number | null;
}

/**
 * Somebody played a part of the document, from `start` to `end` at this version, or all of it. patch_version:
 * `PatchSource.version` of the text that was made of it.
 */
export interface BlockPlayed {
  kind: "played";
  client: string;
  log: string;
  version: number;
  start: number;
  end: number;
  patch_version: number;
}

/**
 * Where a writer is. colour: a number from 0, different for writers who are there at the same time. anchor, head:
 * the ends of what is selected, at this version of the document; head is where the caret stands.
 */
export interface Caret {
  client: string;
  name: string;
  colour: number;
  version: number;
  anchor: number;
  head: number;
}

/** All writers. */
export interface Carets {
  kind: "carets";
  log: string;
  carets: Caret[];
}

/**
 * What a page is told first: what it may do (`role`), what it is called (`client` for programs, `name` for people),
 * whether it is shown at the machine that plays, and whether nobody between can overhear it.
 */
export interface You {
  kind: "you";
  role: Role;
  client: string;
  name: string;
  is_here: boolean;
  is_secure: boolean;
}

/**
 * The answer to `Edit`: the change of the document at that version, which the page makes as one of its own, so that
 * it can undo it. start, end: what it concerns, in the text afterwards. changes None: it cannot be done; `what` and
 * `hint` say why, or `late` that the document has a newer version, so that the page may ask again when it has it.
 */
export interface Edited {
  kind: "edited";
  request: number;
  log: string;
  version: number;
  changes: Changes | null;
  start: number;
  end: number;
  late: boolean;
  what: string;
  hint: string;
}

/**
 * A picture of variant `index` of a request. problem: why there is none (`jpeg` is empty then), or what is wrong
 * with it ("" nothing).
 */
export interface PreviewDrawn {
  kind: "previewed";
  request: number;
  index: number;
  width: number;
  height: number;
  jpeg: Uint8Array<ArrayBuffer>;
  problem: string;
}

/** The frame of this number, and all sent before it, are on the screen or passed over. */
export interface Acknowledgement {
  kind: "ack";
  number: number;
}

/** The atlas of this number, and all sent before it, are drawn or passed over: the next one may come. */
export interface AtlasDrawn {
  kind: "drawn";
  number: number;
}

/** A view, and the number by which the page knows its cell. */
export interface ViewOfPage {
  of: ViewKind;
  node: string;
  layer?: string;
  weight?: string;
  channels?: "active" | "mean" | number[];
  first?: number;
  size?: number;
  id: number;
}

/** All that this page looks at from now on beside the picture; nothing, if there are no views. */
export interface Look {
  kind: "look";
  views?: ViewOfPage[];
}

/** Something to do (see `StudioShow.command`); `path` goes with "trust". */
export interface PageCommand {
  kind: "command";
  name: CommandName;
  path?: string | null;
}

/**
 * Something is done with a door. "open": `door` is what is opened, as on the command line. "change": give it other
 * options. "again": start one that had ended. "start", "stop": a film. "record": begin a film beside the patch,
 * whatever `door` says. Doors are opened and changed from the machine that plays only.
 */
export interface DoorAction {
  kind: "door";
  do: DoorVerb;
  door: string;
  options?: Record<string, string | number | boolean>;
}

/** Give what plays a file of its own, of this name, in the person's folder; the show goes on in it. */
export interface KeepAs {
  kind: "keep_as";
  name: string;
}

/** Play another patch: the name of a shipped example or of one of the person's patches (`/api/patches`). */
export interface OpenPatch {
  kind: "open";
  what: string;
}

/** A hand turned what is at an address. */
export interface KnobTurned {
  kind: "turn";
  address: string;
  value: number;
}

/** A hand gave what is at an address back to its text. */
export interface KnobReleased {
  kind: "release";
  address: string;
}

/**
 * Something is done with snapshots; the arguments are those of the OSC address `/snapshot/…`, or those of
 * `engine.snapshots.Snapshots.arrange`.
 */
export interface SnapshotAction {
  kind: "snapshot";
  do: SnapshotVerb;
  arguments?: (string | number)[];
}

/**
 * The next control that is touched is to turn this (None: what is chosen next); `do` "stop": never mind, "forget":
 * no control turns it any more, "touch": `control` ("cc 1/74", "osc /push") was picked from what arrives, as if it
 * were touched.
 */
export interface LearnControl {
  kind: "learn";
  target?: string | null;
  do?: "learn" | "stop" | "forget" | "touch";
  control?: string | null;
}

/**
 * A hand moves the master: level and black from 0 to 1, freeze 0 or 1, with a fade in seconds; of all doors (None),
 * or of a door or an output by name.
 */
export interface MasterMoved {
  kind: "master";
  what: "level" | "black" | "freeze";
  value: number;
  seconds?: number;
  door?: string | null;
}

/** Sound that is quieter than this, in decibels of full scale, is silence from now on. */
export interface SoundFloor {
  kind: "floor";
  decibels: number;
}

/** This sound device is to be heard from now on, "": the system's own. From the machine that plays only. */
export interface SoundChosen {
  kind: "sound";
  device: string;
}

/** A change that a writer made and that has no place in the log yet. */
export interface Draft {
  changes: Changes;
  what: "typed" | "undo" | "drag";
}

/**
 * A writer's changes, each of the text that the one before makes; the first of the document at this version of the
 * log. The answer is `DocumentUpdates` since that version with these among them, or `DocumentText` if the log cannot
 * be continued from there. Without drafts it only asks what there is since. client: made up by the page when it is
 * loaded, and the same until it is loaded again.
 */
export interface PushUpdates {
  kind: "push";
  log: string;
  version: number;
  client: string;
  updates?: Draft[];
}

/**
 * A writer's edits that could not be pushed, because the studio's log does not know (any more) what they began
 * from: `changes` of `base`. What fits is merged into the document; where it does not, both are kept.
 */
export interface MergeEdits {
  kind: "merge";
  client: string;
  base: string;
  changes: Changes;
}

/**
 * Play the block from `start` to `end` (a caret, or what is selected, at this version of the document; it is
 * widened to whole statements), or all of the document where `start` is None. now: without the patch's bar or fade.
 */
export interface PlayText {
  kind: "play";
  client: string;
  log: string;
  version: number;
  start?: number | null;
  end?: number | null;
  now?: boolean;
}

/** Write the document, with all that was pushed before this message, into its file. It plays nothing. */
export interface SaveText {
  kind: "save";
}

/**
 * End a disagreement (None: all of them): the document keeps what it says, takes what the file says, or has
 * both.
 */
export interface ResolveConflict {
  kind: "resolve";
  take: "ours" | "theirs" | "both";
  number?: number | null;
}

/** Where a writer is now, and what they want to be called ("": a name is found). `head` None: they left the text. */
export interface CaretMoved {
  kind: "caret";
  client: string;
  log: string;
  version: number;
  name?: string;
  anchor?: number;
  head?: number | null;
}

/**
 * A hand does something that changes the text: an act of `patch.language.edits`, by its word, on the document at
 * this version, with everything that this page wrote in it. The answer is `Edited` with the same `request`, which the
 * page makes up.
 */
export interface Edit {
  kind: "edit";
  request: number;
  log: string;
  version: number;
  do: string;
  arguments?: Record<string, string | number | boolean | null | (string | number | boolean | null)[]>;
}

/**
 * One thing to look at: what plays, with something else.
 *
 * changes: of the document at the version that the request names; the block that they are in plays then, and nothing
 * else that is written. values: what hands are to hold, by address. line: this line in the place of the one that dice
 * propose. Without any of them: what plays.
 */
export interface PreviewVariant {
  changes: Changes | null;
  values: Record<string, number>;
  line: string;
}

/**
 * Draw these variants of what plays, again and again, small and beside the show, until the page asks for others.
 * request: a number that grows; the newest of a page counts, one without variants ends it. log, version: the document
 * that changes are of. height: of the pictures, in pixels. Answered with `PreviewDrawn`.
 */
export interface AskPreviews {
  kind: "preview";
  request: number;
  log?: string;
  version?: number;
  height?: number;
  variants?: PreviewVariant[];
}

/** Keep this line in the place of the one that dice propose. */
export interface TakeRoll {
  kind: "take_roll";
  line: string;
}

/**
 * A parameter or an input. kind: as in the reference ("value", "choice", "input", …). default: as one would write
 * it, "" for none. range: what a knob spans. options: what may be chosen, as one would write it.
 */
export interface ParameterWord {
  name: string;
  kind: string;
  doc: string;
  default: string;
  range: [number, number] | null;
  unit: string;
  options: string[];
}

/** A line `node.method(…)`. */
export interface MethodWord {
  name: string;
  doc: string;
  parameters: ParameterWord[];
}

/** A node type. makes: what it can be asked for, nothing for an output. example: lines of a patch. */
export interface NodeWord {
  name: string;
  doc: string;
  makes: string[];
  parameters: ParameterWord[];
  methods: MethodWord[];
  example: string;
}

/** A bend of layers, as it is liked. arguments: what a line says after its target ("rotate=12, channels=0.5"). */
export interface BendWord {
  name: string;
  doc: string;
  arguments: string;
}

/** A function of expressions. called: written with brackets. */
export interface FunctionWord {
  name: string;
  group: string;
  signature: string;
  doc: string;
  example: string;
  called: boolean;
}

/** A plain name of expressions: `t`, `beat`. */
export interface NameWord {
  name: string;
  doc: string;
}

/**
 * Something of this patch that has a value on every frame. reference: its name in expressions ("face.psi"), "" for
 * an address from outside. kind, range, unit, default, doc: as `ganzfeld addresses` tells them.
 */
export interface AddressWord {
  address: string;
  reference: string;
  kind: string;
  doc: string;
  range: string;
  unit: string;
  default: string;
}

/**
 * A plain number of the text that a hand may turn. Lines and columns count from 1; length: in characters. low,
 * high: what a knob spans.
 */
export interface NumberWord {
  address: string;
  line: number;
  column: number;
  length: number;
  low: number;
  high: number;
  default: number;
  unit: string;
}

/**
 * The network that a node of this patch plays: its layers in order, and its weights, by name. blends: shipped
 * networks that it can be blended with.
 */
export interface NetworkWord {
  node: string;
  layers: string[];
  weights: string[];
  blends: string[];
}

/**
 * All there is. types: which type each node of the patch is of. blending: what a line of a blend
 * says after the other network. problem: why what the patch decides (addresses, numbers, networks, types) is empty; ""
 * if it is not.
 */
export interface Words {
  nodes: NodeWord[];
  bends: BendWord[];
  functions: FunctionWord[];
  names: NameWord[];
  addresses: AddressWord[];
  numbers: NumberWord[];
  networks: NetworkWord[];
  types: Record<string, string>;
  blending: string;
  problem: string;
}

/** An input. name: "latent", or "ring.latent" of a line. source: the node it reads, "" for none. */
export interface MapInput {
  name: string;
  makes: "image" | "latent";
  required: boolean;
  source: string;
}

/**
 * A parameter of a node or of one of its lines, or the value of a knob or of a signal.
 *
 * name: the parameter's ("psi"). line: the line's part of an address, "" for the node itself. address: where a hand
 * turns it, "" for what is fixed. kind: as in the reference ("value", "choice", …). text: what is written, "" for the
 * default. value: the plain number that it is then, if it is one. low, high: what a knob spans. options: what may be
 * chosen, as one would write it. by: what it follows; reads: the knobs, signals and nodes that its text speaks of.
 */
export interface MapNumber {
  name: string;
  line: string;
  address: string;
  kind: string;
  text: string;
  value: number | null;
  default: string;
  low: number | null;
  high: number | null;
  unit: string;
  doc: string;
  options: string[];
  by: Driver;
  reads: string[];
}

/** A line `node.method(…)`. name: its part of an address. at: where it stands. text: as it is written. */
export interface MapLine {
  name: string;
  method: string;
  at: number;
  text: string;
  mute: boolean;
  solo: boolean;
}

/**
 * A node, a knob or a signal. name: its own, or "out/image" if it is written in place; type: "noise", …; "knob",
 * "signal". makes: what it can be asked for; "number" of knobs and signals. at, end: its first and last line. numbers:
 * those that are written come first. passes: it can be bypassed.
 */
export interface MapNode {
  name: string;
  type: string;
  makes: WireKind[];
  at: number;
  end: number;
  named: boolean;
  output: boolean;
  network: boolean;
  inputs: MapInput[];
  numbers: MapNumber[];
  lines: MapLine[];
  passes: boolean;
  bypass: boolean;
  solo: boolean;
}

/**
 * The map of the document at this version of its log. wires: between numbers, from whom to whom, by their names;
 * those between pictures and latents are inputs. problem: why there is none, in words.
 */
export interface PatchMap {
  nodes: MapNode[];
  wires: [string, string][];
  problem: string;
  hint: string;
  line: number;
  log: string;
  version: number;
}

/**
 * A layer as it plays in this patch.
 *
 * short: its shortest name. channels, height, width: of its activation. weights: how many it has. inner: it lies
 * within a block, whose name reaches its weights, too. plays: False if the node stops at a smaller picture before it.
 */
export interface InsideLayer {
  name: string;
  short: string;
  channels: number;
  height: number;
  width: number;
  weights: number;
  inner: boolean;
  plays: boolean;
}

/** A weight by its official name. layer: whose it is, "" for what comes before the layers. */
export interface InsideWeight {
  name: string;
  shape: number[];
  layer: string;
}

/**
 * A line of the text that bends or blends.
 *
 * name: its part of an address, the first one's if a loop makes several. text: what is written, shortened. line,
 * end_line: where it stands, from 1. target: as it is written, and what that reaches: layers, and how many weights.
 * bends: which are switched on. channels: those listed in `only`; None: no list. alone: nothing else stands on its
 * lines, and no loop repeats it, so that it can be moved. muted, solo: as `mute=True` and `solo=True` say; acts: what
 * comes of that. mask: the node that says where it bends, "" for everywhere; mask_file: the file that it shows, if it
 * is a picture. other: the network that a blend leads to. amount: the blend's, if it is a plain number; address: where
 * a hand turns that.
 */
export interface InsideLine {
  name: string;
  method: "bend" | "blend";
  text: string;
  line: number;
  end_line: number;
  target: string;
  reaches: "activation" | "weight" | "nothing";
  layers: string[];
  weights: number;
  bends: string[];
  channels: number[] | null;
  alone: boolean;
  muted: boolean;
  solo: boolean;
  acts: boolean;
  mask: string;
  mask_file: string;
  other: string;
  amount: number | null;
  address: string;
}

/**
 * A node that plays a network.
 *
 * file: as the text names it. kind: "stylegan2", "stylegan3-t", … width, height: of the network's own picture; size:
 * of the one that the node makes.
 * latent: numbers of z; rows: of w. source: the node that it reads its latent from, "" for none. shows: the layer it
 * shows, "" for the picture. blends: networks that it can be blended with, those of the patch first. problem: why it
 * cannot be looked into, "" if it can.
 */
export interface InsideNetwork {
  node: string;
  file: string;
  kind: string;
  width: number;
  height: number;
  size: [number, number];
  latent: number;
  rows: number;
  source: string;
  shows: string;
  layers: InsideLayer[];
  weights: InsideWeight[];
  lines: InsideLine[];
  blends: string[];
  problem: string;
}

/**
 * All networks of a text.
 *
 * log, version: which text of the document this is. problem: what is wrong with the text as it is written; the
 * networks are then those of the text that plays, and nothing of them can be edited.
 */
export interface Insides {
  networks: InsideNetwork[];
  problem: string;
  log: string;
  version: number;
}

/** A painted mask. name: of the node that shows it ("brush"); file: as the patch names it ("night.brush.png"). */
export interface BrushFile {
  name: string;
  file: string;
}

/**
 * An address at which something arrived. value: the last one as text, "" if it had none. rate: messages in a
 * second, over the last whole one. ago: seconds since the last.
 */
export interface Arrival {
  source: ArrivalSource;
  address: string;
  value: string;
  rate: number;
  ago: number;
}

/**
 * What is heard just now. source: the device's name, or the file's. is_file: it is a file.
 *
 * decibels: of full scale, from -120 on. floor: decibels below which all is silence. level, bass, mid, high: 0 to 1,
 * as a patch gets them; bands: the same of `audio.band(k)`. spectrum: decibels of equal steps in octaves, from
 * `low_hz` to `high_hz` hertz. bpm: of its pulse, 0 if none is felt.
 */
export interface SoundHeard {
  source: string;
  is_file: boolean;
  decibels: number;
  floor: number;
  level: number;
  bass: number;
  mid: number;
  high: number;
  bands: number[];
  spectrum: number[];
  low_hz: number;
  high_hz: number;
  bpm: number;
}

/**
 * Everything that comes in.
 *
 * osc: where it is listened for OSC ("127.0.0.1:9000"), "" if it is not. osc_to: who is sent OSC. midi: names of the
 * inputs that are open. listens_to_midi: whether any were asked for. arrivals: the newest first. sound: None if
 * nothing is listened to. problems: what does not work.
 */
export interface Inputs {
  osc: string;
  osc_to: string[];
  midi: string[];
  listens_to_midi: boolean;
  arrivals: Arrival[];
  sound: SoundHeard | null;
  problems: Problem[];
}

/**
 * A kind of door (see docs/outputs.md). about, options: what it is and what can be chosen, in words. alpha: what
 * its far end takes of transparency. found: far ends on this machine, a line each; a line that begins with kind and
 * colon is a door as it is opened, and two spaces later what it is. missing: why it does not work here, "" if it does;
 * mend: what helps.
 */
export interface DoorKindHere {
  kind: string;
  about: string;
  options: string;
  alpha: string[];
  found: string[];
  missing: string;
  mend: string;
}

/** Where pictures can go from here. rigs: names of those that are kept. */
export interface OutputsHere {
  kinds: DoorKindHere[];
  rigs: string[];
}

/**
 * devices: names of what can be listened to here. missing: why there is nothing, "" if there is; mend: what
 * helps.
 */
export interface SoundsHere {
  devices: string[];
  missing: string;
  mend: string;
}

/** One thing that was looked at. found: what was found; do: what helps where it does not work. */
export interface Examined {
  name: string;
  state: "works" | "missing" | "broken";
  found: string;
  do: string;
}

/** One link. qr: its QR code, an SVG element. */
export interface SharedLink {
  role: Role;
  url: string;
  qr: string;
}

/**
 * All of them; none where `--host` was not given. bases: the addresses at which others may find this machine, the
 * likeliest first. is_secure: they are encrypted on their way.
 */
export interface SharedLinks {
  links: SharedLink[];
  bases: string[];
  is_secure: boolean;
}

/**
 * Something to use. what: how it is asked for. said: how the text of the patch that plays says it. about: what it
 * is, in words. folder: where it is, "" if it ships with Ganzfeld. size: in bytes. key: its picture's, "" if it has
 * none; has_picture: whether that is made already.
 */
export interface LibraryItem {
  what: string;
  kind: FileKind;
  name: string;
  place: "shipped" | "example" | "beside" | "mine";
  said: string;
  about: string;
  folder: string;
  size: number;
  key: string;
  has_picture: boolean;
}

/**
 * All of it. beside, mine: the folders that files can be brought to, "" where there is none. waits: how many
 * pictures are being made.
 */
export interface Library {
  items: LibraryItem[];
  beside: string;
  mine: string;
  waits: number;
}

/**
 * A line of the patch that another network has no place for. line: counted from 1. text: as it is written. what:
 * why. names: those of the node's lines that it makes, as addresses have them; in a loop, it makes several.
 */
export interface UnfitLine {
  line: number;
  text: string;
  what: string;
  names: string[];
}

/** lines: those that do not fit. what, hint: why the network cannot be used at all, "" if it can. */
export interface Fitting {
  lines: UnfitLine[];
  what: string;
  hint: string;
}

/** A file that a page may send now. name: what it will be called. */
export interface Upload {
  id: string;
  name: string;
  kind: FileKind;
}

/**
 * A file that has come and can be used. about: what it is. notes: what a person should know of it. taken: the
 * places where there is a file of this name already. has_picture: whether there is a picture of it.
 */
export interface ArrivedFile {
  id: string;
  name: string;
  kind: FileKind;
  size: number;
  about: string;
  notes: string[];
  taken: string[];
  has_picture: boolean;
}
