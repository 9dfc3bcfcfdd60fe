/** From JPEG to canvas: decodes the newest frame, draws at the display's pace, acknowledges what was drawn. */

import type { EncodedFrame } from "./wire";

export interface Decoded {
  close(): void;
}

export interface ScreenEnds<Picture extends Decoded> {
  decode(frame: EncodedFrame): Promise<Picture>;
  draw(picture: Picture, frame: EncodedFrame): void;
  /** Calls back once, right before the display's next refresh; not at all while the page is hidden. */
  beforeRefresh(call: () => void): void;
  /** This frame and all before it are drawn or passed over: the studio may send more. */
  acknowledge(number: number): void;
}

export class Screen<Picture extends Decoded> {
  private newest: EncodedFrame | null = null;
  private ready: { picture: Picture; frame: EncodedFrame } | null = null;
  private decoding = false;
  private awaiting = false;
  private readonly ends: ScreenEnds<Picture>;

  constructor(ends: ScreenEnds<Picture>) {
    this.ends = ends;
  }

  /** Takes a frame that arrived. One that still waits to be decoded is passed over. */
  take(frame: EncodedFrame): void {
    this.newest = frame;
    if (!this.decoding) void this.decodeAll();
  }

  private async decodeAll(): Promise<void> {
    this.decoding = true;
    while (this.newest) {
      const frame = this.newest;
      this.newest = null;
      try {
        const picture = await this.ends.decode(frame);
        this.ready?.picture.close();
        this.ready = { picture, frame };
        this.await();
      } catch {
        // A frame that cannot be decoded must not stop the ones behind it.
        this.ends.acknowledge(frame.number);
      }
    }
    this.decoding = false;
  }

  private await(): void {
    if (this.awaiting) return;
    this.awaiting = true;
    this.ends.beforeRefresh(() => {
      this.awaiting = false;
      if (!this.ready) return;
      const { picture, frame } = this.ready;
      this.ready = null;
      this.ends.draw(picture, frame);
      picture.close();
      this.ends.acknowledge(frame.number);
    });
  }
}
