import { useState } from "react";
import { command, useShow } from "../live/show";
import { fileName } from "../text/problems";

/** Asks before a script file that was never seen here runs. Who said "not now" is asked again by a button. */
export function Permission() {
  const waiting = useShow((show) => show.status?.pending_trust);
  const putOff = useShow((show) => show.status?.put_off);
  const [answered, setAnswered] = useState<ReadonlyMap<string, "later" | "again">>(new Map());
  const answer = (path: string, said: "later" | "again") => setAnswered(new Map(answered).set(path, said));
  if (!waiting || waiting.length === 0) return null;
  const isLater = (path: string) =>
    (answered.get(path) ?? (putOff?.includes(path) ? "later" : "again")) === "later";
  const path = waiting.find((each) => !isLater(each));
  if (path === undefined) {
    return (
      <div className="put-off">
        {waiting.map((each) => (
          <button type="button" key={each} title={each} onClick={() => answer(each, "again")}>
            <b>{fileName(each)}</b> does not run yet: allow…
          </button>
        ))}
      </div>
    );
  }
  return (
    <div
      className="permission"
      role="alertdialog"
      aria-labelledby="permission-title"
      data-testid="permission"
    >
      <div>
        <h2 id="permission-title">
          Let <b>{fileName(path)}</b> run?
        </h2>
        <p>The patch names this Python file. Once allowed, it can do whatever you can do on this computer.</p>
        <p className="path">{path}</p>
      </div>
      <div className="answers">
        <button type="button" className="allow" onClick={() => command("trust", path)}>
          Allow
        </button>
        <button
          type="button"
          onClick={() => {
            command("later", path);
            answer(path, "later");
          }}
        >
          Not now
        </button>
      </div>
    </div>
  );
}
