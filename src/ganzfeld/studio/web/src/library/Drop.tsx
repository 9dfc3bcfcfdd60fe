import "./drop.css";
import { useEffect, useState } from "react";
import { openSheet } from "../sheets/open";
import { bring } from "./bringing";

/** Files may be let go anywhere on the page: the library opens and brings them. */
export function Drop() {
  const [over, setOver] = useState(false);
  useEffect(() => {
    let depth = 0;
    const of = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
    const take = (event: DragEvent) => {
      if (!of(event)) return;
      event.preventDefault();
      // Before the text sees it: it would write the file's bytes there.
      event.stopPropagation();
      if (event.type === "dragenter") depth += 1;
      if (event.type === "dragleave") depth -= 1;
      if (event.type === "dragover" && event.dataTransfer) event.dataTransfer.dropEffect = "copy";
      if (event.type === "drop") {
        depth = 0;
        const files = filesOf(event.dataTransfer);
        if (files.length > 0) {
          bring(files);
          openSheet("library");
        }
      }
      setOver(depth > 0);
    };
    const kinds = ["dragenter", "dragover", "dragleave", "drop"] as const;
    for (const kind of kinds) addEventListener(kind, take, { capture: true });
    return () => {
      for (const kind of kinds) removeEventListener(kind, take, { capture: true });
    };
  }, []);
  if (!over) return null;
  return (
    <div className="drop" data-testid="drop">
      <p>
        Let go to bring it here
        <small>a network, a picture, a film, a song, a patch</small>
      </p>
    </div>
  );
}

/** The files that were let go, without folders: those cannot be read as files. */
function filesOf(data: DataTransfer | null): File[] {
  if (!data) return [];
  const items = [...data.items].filter((item) => item.kind === "file");
  if (items.length === 0) return [...data.files];
  return items
    .filter((item) => !item.webkitGetAsEntry?.()?.isDirectory)
    .map((item) => item.getAsFile())
    .filter((file) => file !== null);
}
