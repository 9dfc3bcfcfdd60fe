import { Cell } from "../looking/CellCanvas";

/** The longer side of a picture on the map, in pixels. */
const SIZE = 240;

/** What a node makes, now: drawn into the map's one canvas. */
export function Thumbnail({ node, height }: { node: string; height: number }) {
  return <Cell view={{ of: "node", node, size: SIZE }} className="map-picture" style={{ height }} />;
}
