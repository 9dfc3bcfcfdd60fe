import type { ShowState } from "../live/show";
import { useRemarks } from "./steady";

/** What is the matter, in words; they take no room of what stands around them. */
export function Remarks({ of }: { of(show: ShowState): ShowState["shown"] }) {
  const said = useRemarks(of);
  if (said.length === 0) return null;
  return (
    <div className="remarks" data-testid="remarks">
      {said.slice(0, 2).map(({ about, says }) => (
        <p className="remark" key={about} title={says}>
          {says}
        </p>
      ))}
    </div>
  );
}
