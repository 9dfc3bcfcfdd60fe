import { areaPoints, type Histogram, linePoints, short } from "./model";

const WIDTH = 320;
const HEIGHT = 96;

/** How often values occur; of two lists the first is what was before. */
export function HistogramPlot({ histogram, label }: { histogram: Histogram | null; label: string }) {
  const [before, after] = histogram?.counts ?? [];
  const highest = Math.max(0, ...(before ?? []), ...(after ?? []));
  return (
    <figure className="plot">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
        {before && (
          <polygon className={after ? "before" : "now"} points={areaPoints(before, WIDTH, HEIGHT, highest)} />
        )}
        {after && <polygon className="now" points={areaPoints(after, WIDTH, HEIGHT, highest)} />}
        {histogram && histogram.low < 0 && histogram.high > 0 && <Zero {...histogram} />}
      </svg>
      <figcaption>
        <span>{histogram ? short(histogram.low) : ""}</span>
        <span>{label}</span>
        <span>{histogram ? short(histogram.high) : ""}</span>
      </figcaption>
    </figure>
  );
}

function Zero({ low, high }: { low: number; high: number }) {
  const x = (-low / (high - low)) * WIDTH;
  return <line className="zero" x1={x} x2={x} y1={0} y2={HEIGHT} />;
}

/** The power at each spatial frequency, in decades. */
export function SpectrumPlot({ powers }: { powers: readonly number[] }) {
  return (
    <figure className="plot">
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label="spectrum">
        {powers.length > 1 && <polyline points={linePoints(powers, WIDTH, HEIGHT)} />}
      </svg>
      <figcaption>
        <span>slow</span>
        <span>power by spatial frequency</span>
        <span>fine</span>
      </figcaption>
    </figure>
  );
}
