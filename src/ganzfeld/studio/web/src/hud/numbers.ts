/** Numbers and names as the page writes them. */

import type { Problem } from "../live/wire";
import { fileName } from "../text/problems";

/** "0:07", "12:34", "1:02:03". */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number) => String(value).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** "0.84", "8.4", "84": two digits that matter. */
export function milliseconds(value: number): string {
  if (!Number.isFinite(value)) return "–";
  return value >= 9.95 ? value.toFixed(0) : value >= 0.995 ? value.toFixed(1) : value.toFixed(2);
}

/** "organ.ganz:7:12", "/face/psi", both, or nothing. */
export function where(problem: Problem): string {
  let place = problem.file ? fileName(problem.file) : "";
  if (problem.line !== null) {
    place += place ? `:${problem.line}` : `line ${problem.line}`;
    if (problem.column !== null) place += `:${problem.column}`;
  }
  return [place, problem.address].filter(Boolean).join(" ");
}

/** A picture this many times larger on the screen's own pixels than it is shows its pixels as they are. */
export const CRISP_FROM = 3;

/** Whether a picture fitted into a window (both in pixels, the window's in CSS pixels) should keep hard edges. */
export function isCrisp(
  picture: { width: number; height: number },
  window: { width: number; height: number },
  ratio: number,
): boolean {
  const scale = Math.min(window.width / picture.width, window.height / picture.height) * ratio;
  return scale >= CRISP_FROM;
}
