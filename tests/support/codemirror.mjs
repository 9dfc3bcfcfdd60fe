// Answers questions about CodeMirror's change sets, and holds the states of writers: one JSON a line in, one out.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const require = createRequire(`${process.argv[2]}/package.json`);
const { ChangeSet, EditorState, Text } = require("@codemirror/state");
const { collab, getSyncedVersion, receiveUpdates, sendableUpdates } = require("@codemirror/collab");
const set = (json) => ChangeSet.fromJSON(json);

const writers = new Map();

const answers = {
  make: ({ length, changes }) => ChangeSet.of(changes, length).toJSON(),
  apply: ({ text, a }) => set(a).apply(Text.of(text.split("\n"))).toString(),
  compose: ({ a, b }) => set(a).compose(set(b)).toJSON(),
  map: ({ a, b, before }) => set(a).map(set(b), before).toJSON(),
  place: ({ a, places, assoc }) => places.map((place) => set(a).mapPos(place, assoc)),
  open: ({ client, text, version }) => {
    const extensions = collab({ startVersion: version, clientID: client });
    writers.set(client, EditorState.create({ doc: text, extensions }));
    return null;
  },
  type: ({ client, changes }) => {
    writers.set(client, writers.get(client).update({ changes: set(changes) }).state);
    return writers.get(client).doc.toString();
  },
  receive: ({ client, updates }) => {
    const changes = updates.map((each) => ({ clientID: each.client, changes: set(each.changes) }));
    writers.set(client, receiveUpdates(writers.get(client), changes).state);
    return writers.get(client).doc.toString();
  },
  sendable: ({ client }) => ({
    version: getSyncedVersion(writers.get(client)),
    updates: sendableUpdates(writers.get(client)).map((each) => each.changes.toJSON()),
  }),
};

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  console.log(JSON.stringify(answers[question.do](question)));
}
