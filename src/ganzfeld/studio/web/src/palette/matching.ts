/** Which entries of the palette fit what is typed. */

/** How well a text fits: 0 not at all; higher is better. Every word that is typed has to be in it. */
export function fitOf(typed: string, text: string): number {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const where = text.toLowerCase();
  let sum = 1;
  for (const word of words) {
    const place = where.indexOf(word);
    if (place < 0) return 0;
    const isStart = place === 0 || /[^\p{L}\p{N}]/u.test(where[place - 1] ?? "");
    sum += (isStart ? 2 : 1) + 1 / (1 + place);
  }
  return sum;
}

/** The entries that fit, best first; as they come, if nothing is typed. */
export function fitting<Entry extends { name: string; about: string; group: string }>(
  entries: readonly Entry[],
  typed: string,
): readonly Entry[] {
  if (typed.trim() === "") return entries;
  return entries
    .map((entry) => ({
      entry,
      score: 2 * fitOf(typed, entry.name) + fitOf(typed, `${entry.name} ${entry.group} ${entry.about}`),
    }))
    .filter(({ score }) => score > 0)
    .sort((a, b) => b.score - a.score)
    .map(({ entry }) => entry);
}
