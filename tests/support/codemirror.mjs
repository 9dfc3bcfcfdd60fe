// Answers questions about CodeMirror's change sets: one JSON a line in, one out.
import { createInterface } from "node:readline";
import { createRequire } from "node:module";

const { ChangeSet, Text } = createRequire(`${process.argv[2]}/package.json`)("@codemirror/state");
const set = (json) => ChangeSet.fromJSON(json);

const answers = {
  make: ({ length, changes }) => ChangeSet.of(changes, length).toJSON(),
  apply: ({ text, a }) => set(a).apply(Text.of(text.split("\n"))).toString(),
  compose: ({ a, b }) => set(a).compose(set(b)).toJSON(),
  map: ({ a, b, before }) => set(a).map(set(b), before).toJSON(),
  place: ({ a, places, assoc }) => places.map((place) => set(a).mapPos(place, assoc)),
};

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  console.log(JSON.stringify(answers[question.do](question)));
}
