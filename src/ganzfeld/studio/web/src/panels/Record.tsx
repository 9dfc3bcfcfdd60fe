import { atDoor, command, useShow } from "../live/show";
import { lengthAndSize, recordingOf, size } from "./recording";

/** Begins and ends a film, and a take, while the show plays; red, with time and size, while one is made. */
export function Record() {
  const status = useShow((show) => show.status);
  if (!status) return null;
  const film = recordingOf(status);
  const { take } = status;
  const press = () =>
    film.door === null ? atDoor({ do: "record", door: "" }) : atDoor({ do: "stop", door: film.door });
  return (
    <>
      <button
        type="button"
        className={film.door === null ? "record" : "record on"}
        aria-pressed={film.door !== null}
        title={
          film.door === null
            ? "Record a film beside the patch, with the sound that the show hears"
            : "Finish the film"
        }
        data-testid="record"
        onClick={press}
      >
        <span className="lamp" aria-hidden="true" />
        {film.door === null ? "record" : lengthAndSize(film)}
      </button>
      <button
        type="button"
        className={take ? "taking on" : "taking"}
        aria-pressed={take !== null}
        title={
          take
            ? `End the take ${take.name}`
            : "Record a take beside the patch: all that is played from now on, to be rendered again at any size"
        }
        data-testid="take"
        onClick={() => command(take ? "end_take" : "take")}
      >
        {take && <span className="lamp" aria-hidden="true" />}
        take
        {take && <span className="more">{size(take.size)}</span>}
      </button>
    </>
  );
}
