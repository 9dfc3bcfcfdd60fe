import { useShow } from "../live/show";

/** What somebody who came by a link has to know: what the link is for, and that others may overhear it. */
export function Visitor() {
  const you = useShow((show) => show.you);
  const takenBack = useShow((show) => show.takenBack);
  if (takenBack) return <Line word="this link was taken back" why="Ask who plays the show for a new one." />;
  if (you === null || (you.is_here && you.role === "play")) return null;
  const why = you.is_secure ? "" : "Others in this network can overhear the link: it is not encrypted.";
  const watches = you.role === "watch";
  return <Line word={watches ? "you watch" : "you play along"} why={why} takesCopies={watches} />;
}

function Line({ word, why, takesCopies }: { word: string; why: string; takesCopies?: boolean }) {
  return (
    <p className="visitor" role="status">
      <span>{word}</span>
      {takesCopies && (
        <a href="/patch.ganz" download>
          take a copy of the patch
        </a>
      )}
      {why && <span className="why">{why}</span>}
    </p>
  );
}
