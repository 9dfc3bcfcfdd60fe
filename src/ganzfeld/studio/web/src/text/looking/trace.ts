/** A value as it goes: a number and a small trace of the last seconds. */

const ASK_EVERY = 100;
const KEPT = 60;

/** The points of an SVG polyline for values, oldest first, in a box; a value that stays is a line in its middle. */
export function points(values: readonly number[], width: number, height: number): string {
  const low = Math.min(...values);
  const span = Math.max(...values) - low;
  return values
    .map((value, index) => {
      const x = (index * width) / Math.max(KEPT - 1, 1);
      const y = span > 0 ? height - ((value - low) * height) / span : height / 2;
      return `${x.toFixed(1)},${y.toFixed(1)}`;
    })
    .join(" ");
}

/** A value as it is written beside its trace. */
export function valueWords(value: unknown): string {
  if (typeof value === "number") return Number.isFinite(value) ? String(Number(value.toPrecision(5))) : "–";
  if (Array.isArray(value))
    return `${value.slice(0, 4).map(valueWords).join(", ")}${value.length > 4 ? ", …" : ""}`;
  return typeof value === "string" ? `"${value}"` : "";
}

/** Shows the value of an address until it is stopped. */
export function traceOf(address: string): { dom: HTMLElement; stop(): void } {
  const dom = document.createElement("div");
  dom.className = "trace";
  const number = document.createElement("span");
  number.className = "trace-value";
  const picture = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  picture.setAttribute("viewBox", "0 0 120 24");
  picture.setAttribute("aria-hidden", "true");
  const line = document.createElementNS("http://www.w3.org/2000/svg", "polyline");
  picture.append(line);
  dom.append(number, picture);

  const values: number[] = [];
  const stop = new AbortController();
  const ask = async () => {
    const answer = await fetch(`/api/values?address=${encodeURIComponent(address)}`, { signal: stop.signal });
    const value: unknown = answer.ok
      ? ((await answer.json()) as Record<string, unknown>)[address]
      : undefined;
    if (value === undefined) return;
    number.textContent = valueWords(value);
    if (typeof value !== "number" || !Number.isFinite(value)) return;
    values.push(value);
    if (values.length > KEPT) values.shift();
    line.setAttribute("points", points(values, 120, 24));
  };
  const again = () => {
    ask()
      .catch(() => {}) // the studio is away: the last value stays
      .finally(() => {
        if (!stop.signal.aborted) setTimeout(again, ASK_EVERY);
      });
  };
  again();
  return { dom, stop: () => stop.abort() };
}
