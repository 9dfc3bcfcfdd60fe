/** Paintings as files beside the patch: fetched, and kept. */

import type { BrushFile, Refusal } from "../live/wire";
import { type Mask, maskOf, tinted, whole } from "./strokes";

/** Why a painting cannot be kept. needsName: the show has no file yet. */
export class Unkept extends Error {
  constructor(
    message: string,
    readonly needsName: boolean,
  ) {
    super(message);
  }
}

/** What was painted before, at this size; null: nothing. Rejects with `Unkept` where nothing can be kept. */
export async function fetched(brush: string, size: { width: number; height: number }): Promise<Mask | null> {
  const answer = await fetch(`/api/brushes/${brush}`, { cache: "no-store" });
  if (answer.status === 409) throw await unkept(answer);
  if (!answer.ok) return null;
  const picture = await createImageBitmap(await answer.blob());
  const canvas = new OffscreenCanvas(size.width, size.height);
  const context = canvas.getContext("2d");
  if (!context) return null;
  context.drawImage(picture, 0, 0, size.width, size.height);
  picture.close();
  return maskOf(context.getImageData(0, 0, size.width, size.height).data, size.width, size.height);
}

/** Writes the painting into its file. Rejects with `Unkept`. */
export async function kept(brush: string, mask: Mask): Promise<BrushFile> {
  const body = await pngOf(mask);
  const answer = await fetch(`/api/brushes/${brush}`, {
    method: "PUT",
    body,
    headers: { "content-type": "image/png" },
  }).catch(() => {
    throw new Unkept("The studio does not answer: nothing was kept", false);
  });
  if (!answer.ok) throw await unkept(answer);
  return (await answer.json()) as BrushFile;
}

async function unkept(answer: Response): Promise<Unkept> {
  const refusal = (await answer.json().catch(() => null)) as Refusal | null;
  const what = refusal
    ? [refusal.what, refusal.hint].filter(Boolean).join(". ")
    : `Not kept (${answer.status})`;
  return new Unkept(what, answer.status === 409);
}

/** White as opaque as the mask is full. */
async function pngOf(mask: Mask): Promise<Blob> {
  const canvas = new OffscreenCanvas(mask.width, mask.height);
  const pixels = tinted(mask, whole(mask), [255, 255, 255], 1);
  canvas.getContext("2d")?.putImageData(new ImageData(pixels, mask.width, mask.height), 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}
