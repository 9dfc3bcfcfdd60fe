import { useState } from "react";
import { command, useShow } from "../live/show";
import { fileName } from "../text/marks";

/** Asks before a script file that was never seen here runs. */
export function Permission() {
  const waiting = useShow((show) => show.status?.pending_trust);
  const [put, setPut] = useState<readonly string[]>([]);
  const path = waiting?.find((each) => !put.includes(each));
  if (path === undefined) return null;
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
            setPut([...put, path]);
          }}
        >
          Not now
        </button>
      </div>
    </div>
  );
}
