/** How large and how often a page wants the picture: part of its address, "?height=640&fps=15". */

import { socketAddress } from "./link";

/** height: in pixels; fps: pictures a second at most. null: the picture's own, and every one. */
export interface View {
  height: number | null;
  fps: number | null;
}

/** What can be chosen; the server rounds everything else up to what it knows. */
export const HEIGHTS = [240, 360, 480, 720, 1080, 1440, 2160] as const;
export const RATES = [1, 5, 10, 15, 30, 60] as const;
/** What a phone gets unless it asks: a small picture, from which the line has room for hands. */
export const ON_A_PHONE: View = { height: 480, fps: 15 };

/** A window of this kind is a remote: a small picture, and large hands. */
export const REMOTE = "(max-width: 600px), (max-height: 460px)";

export function viewOf(search: string): View {
  const asked = new URLSearchParams(search);
  return { height: numberOf(asked.get("height")), fps: numberOf(asked.get("fps")) };
}

function numberOf(text: string | null): number | null {
  const number = Number(text ?? "");
  return Number.isFinite(number) && number > 0 ? number : null;
}

/** The same address's query with another view. */
export function searchOf(search: string, view: View): string {
  const asked = new URLSearchParams(search);
  for (const [name, value] of Object.entries(view)) {
    if (value === null) asked.delete(name);
    else asked.set(name, String(value));
  }
  return asked.toString();
}

/** The WebSocket of a page. A phone that asks for nothing asks for little. */
export function liveAddress(page: string, isPhone = isRemote()): string {
  const url = new URL(page);
  const asked = viewOf(url.search);
  if (isPhone && asked.height === null && asked.fps === null) url.search = searchOf(url.search, ON_A_PHONE);
  return socketAddress(url.href, "/live", pixelsHigh());
}

function isRemote(): boolean {
  return typeof matchMedia === "function" && matchMedia(REMOTE).matches;
}

/** How high this display shows a picture at most; nothing where there is no display (in tests). */
function pixelsHigh(): number | undefined {
  return typeof screen === "undefined" ? undefined : screen.height * devicePixelRatio;
}
