/** A WebSocket that comes back by itself. */

export interface Socket {
  binaryType: string;
  onopen: (() => void) | null;
  onmessage: ((event: { data: ArrayBuffer }) => void) | null;
  onclose: ((event: { code: number }) => void) | null;
  readonly readyState: number;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(): void;
}

export interface LinkEnds {
  /** Opens a new socket; each is used until it closes or falls silent. */
  open(): Socket;
  onMessage(data: ArrayBuffer): void;
  /** True from the first message of a connection, false from its loss. */
  onLive(live: boolean): void;
  /** The link that this page came by was taken back: it does not come again. */
  onTakenBack?(): void;
}

/** The code with which the studio closes the socket of such a page (`studio/sockets.py`). */
export const TAKEN_BACK = 4003;

/**
 * A page's WebSocket, which is asked for the same as the page: "?height=640&fps=15". screen: how many pixels high the
 * page shows pictures, which the studio goes by for who came by a link.
 */
export function socketAddress(page: string, path: string, screen?: number): string {
  const url = new URL(page);
  if (screen) url.searchParams.set("screen", String(Math.round(screen)));
  url.protocol = url.protocol.replace("http", "ws");
  url.pathname = path;
  url.hash = "";
  return url.href;
}

const OPEN = 1;
/** The studio speaks a few times a second; one that says nothing for this long is gone or frozen (ms). */
export const SILENCE = 3000;
const FIRST_WAIT = 250;
const LONGEST_WAIT = 2000;

export class Link {
  private socket: Socket | null = null;
  private live = false;
  private wait = FIRST_WAIT;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly ends: LinkEnds;

  constructor(ends: LinkEnds) {
    this.ends = ends;
  }

  connect(): void {
    const socket = this.ends.open();
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onmessage = (event) => {
      this.listenOn();
      if (!this.live) {
        this.live = true;
        this.wait = FIRST_WAIT;
        this.ends.onLive(true);
      }
      this.ends.onMessage(event.data);
    };
    socket.onclose = ({ code }) => (code === TAKEN_BACK ? this.end() : this.lose());
    this.listenOn();
  }

  /** Opens another socket in place of this one. What was on its way is lost, so that is told as a loss. */
  renew(): void {
    this.release();
    if (this.live) {
      this.live = false;
      this.ends.onLive(false);
    }
    clearTimeout(this.timer);
    this.connect();
  }

  /** False if nobody is there to hear it. */
  send(data: Uint8Array<ArrayBuffer>): boolean {
    if (this.socket?.readyState !== OPEN) return false;
    this.socket.send(data);
    return true;
  }

  private end(): void {
    clearTimeout(this.timer);
    this.socket = null;
    this.ends.onTakenBack?.();
  }

  private listenOn(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.lose(), SILENCE);
  }

  /** Lets go of the socket, if there is one: the close event of a dead peer can take a minute to come. */
  private release(): boolean {
    const socket = this.socket;
    if (!socket) return false;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.socket = null;
    return true;
  }

  private lose(): void {
    if (!this.release()) return;
    if (this.live) {
      this.live = false;
      this.ends.onLive(false);
    }
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), this.wait);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
  }
}
