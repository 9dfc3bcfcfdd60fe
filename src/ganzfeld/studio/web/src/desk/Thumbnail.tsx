/** What a snapshot looked like when it was stored or had last arrived; a plain ground where nobody has seen it yet. */
export function Thumbnail({ snapshot }: { snapshot: { key: string; has_picture: boolean } }) {
  if (!snapshot.has_picture) return <span className="thumbnail unseen" />;
  return <img className="thumbnail" src={`/api/snapshots/${snapshot.key}`} alt="" draggable={false} />;
}
