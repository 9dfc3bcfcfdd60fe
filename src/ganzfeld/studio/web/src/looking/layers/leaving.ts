import type { KeyboardEvent } from "react";

/** Escape leaves a field; once more, and it closes the sheet, as everywhere. */
export function leaving(event: KeyboardEvent<HTMLInputElement>): void {
  if (event.key !== "Escape") return;
  event.preventDefault();
  event.currentTarget.blur();
}
