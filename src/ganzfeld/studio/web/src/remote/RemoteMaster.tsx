import { Level } from "../desk/Master";
import { setLevel, toggleBlack, toggleFreeze } from "../desk/master";
import { useShow } from "../live/show";

const FADE = 0.5;

/** The master of all doors, under two thumbs. */
export function RemoteMaster() {
  const status = useShow((show) => show.status);
  if (!status) return null;
  const { level, black, frozen } = status.master;
  return (
    <fieldset className="remote-master" aria-label="Master">
      <button type="button" className="black" aria-pressed={black > 0.5} onClick={() => toggleBlack(FADE)}>
        black
      </button>
      <button type="button" className="freeze" aria-pressed={frozen} onClick={() => toggleFreeze()}>
        freeze
      </button>
      <Level level={level} set={(value) => setLevel(value)} />
    </fieldset>
  );
}
