/** What a node makes, now. */
export function Thumbnail({ node }: { node: string }) {
  return <div className="map-picture" data-picture={node} />;
}
