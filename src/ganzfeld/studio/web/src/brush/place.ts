/** Where the picture that is painted on lies in the window. Pure. */

export interface Size {
  width: number;
  height: number;
}

export interface Rect extends Size {
  left: number;
  top: number;
}

/** Shapes that differ by less than this are the same. */
const ALIKE = 0.015;

/** As large as it goes into a window, in its middle. margin: left free all around; below: and at the bottom. */
export function contained(picture: Size, window_: Size, margin = 0, below = 0): Rect {
  const room = {
    width: Math.max(1, window_.width - 2 * margin),
    height: Math.max(1, window_.height - 2 * margin - below),
  };
  const scale = Math.min(room.width / Math.max(1, picture.width), room.height / Math.max(1, picture.height));
  const [width, height] = [picture.width * scale, picture.height * scale];
  return {
    left: margin + (room.width - width) / 2,
    top: margin + (room.height - height) / 2,
    width,
    height,
  };
}

/** Whether what a network draws fills the picture that is shown, so that it can be painted on there. */
export function isAlike(one: Size, other: Size): boolean {
  if (one.height === 0 || other.height === 0) return false;
  const ratio = one.width / one.height / (other.width / other.height);
  return Math.abs(Math.log(ratio)) < ALIKE;
}
