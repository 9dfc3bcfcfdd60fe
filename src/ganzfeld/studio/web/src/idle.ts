import { useEffect, useState } from "react";

const IDLE_AFTER = 2500;

/** True once the pointer has rested for a while. */
export function useIdle(): boolean {
  const [idle, setIdle] = useState(false);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout>;
    const move = () => {
      setIdle(false);
      clearTimeout(timer);
      timer = setTimeout(() => setIdle(true), IDLE_AFTER);
    };
    move();
    addEventListener("pointermove", move);
    addEventListener("pointerdown", move);
    return () => {
      clearTimeout(timer);
      removeEventListener("pointermove", move);
      removeEventListener("pointerdown", move);
    };
  }, []);
  return idle;
}
