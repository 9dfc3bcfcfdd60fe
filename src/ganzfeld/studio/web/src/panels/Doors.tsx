import { useShow } from "../live/show";
import { DoorRow } from "./DoorRow";
import { OpenDoor } from "./OpenDoor";

/** Every door: what goes where, how it is, and what can be opened. */
export function Doors() {
  const status = useShow((show) => show.status);
  if (!status) return null;
  return (
    <>
      {status.doors.length === 0 && (
        <p className="nothing">
          The picture leaves through doors: a display, a film, another program. None is open yet.
        </p>
      )}
      <ul className="doors">
        {status.doors.map((door) => (
          <DoorRow key={door.name} door={door} outputs={status.outputs} />
        ))}
      </ul>
      <OpenDoor outputs={status.outputs} />
    </>
  );
}
