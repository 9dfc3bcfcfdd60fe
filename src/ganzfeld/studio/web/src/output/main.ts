/** The clean page: an output of the show, edge to edge, and nothing else, for as long as it is open.

    /output?name=wall&background=none&fit=fill&fps=30&height=720 */

import "./output.css";
import { read, write } from "../live/codec";
import { Link, type Socket, socketAddress } from "../live/link";
import { Screen } from "../live/screen";
import { joiningPainter, type Layers, layersOf, plainPainter } from "./joined";

const canvas = document.getElementById("picture") as HTMLCanvasElement;
const asked = new URL(location.href).searchParams;
const onNothing = asked.get("background") === "none";
document.documentElement.classList.toggle("nothing", onNothing);
canvas.className = asked.get("fit") ?? "";

const painter = (onNothing && joiningPainter(canvas)) || plainPainter(canvas);

const link = new Link({
  open: () => new WebSocket(socketAddress(location.href, "/output/live")) as unknown as Socket,
  onLive() {}, // the last picture stays
  onMessage(data) {
    const message = read(data);
    if (message.kind === "frame") screen.take(message);
  },
});

const options: ImageBitmapOptions = { premultiplyAlpha: "none", colorSpaceConversion: "none" };
const screen = new Screen<Layers>({
  decode: (frame) =>
    layersOf(frame, (jpeg) => createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }), options)),
  draw(layers, { width, height }) {
    if (canvas.width !== width || canvas.height !== height) {
      canvas.width = width;
      canvas.height = height;
    }
    painter.paint(layers);
  },
  beforeRefresh: (call) => requestAnimationFrame(call),
  acknowledge: (number) => link.send(write({ kind: "ack", number })),
});

link.connect();
