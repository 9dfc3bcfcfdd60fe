/** Colours and alpha, which come as two JPEGs, joined on the GPU. */

import type { EncodedFrame } from "../live/wire";

const CORNERS = `
attribute vec2 corner;
varying vec2 place;
void main() {
  place = vec2(corner.x, 1.0 - corner.y);
  gl_Position = vec4(corner * 2.0 - 1.0, 0.0, 1.0);
}`;

// Colours come multiplied with alpha. JPEG is not exact: none may be brighter than its alpha allows.
const JOIN = `
precision mediump float;
varying vec2 place;
uniform sampler2D colours;
uniform sampler2D alphas;
void main() {
  float alpha = texture2D(alphas, place).r;
  gl_FragColor = vec4(min(texture2D(colours, place).rgb, alpha), alpha);
}`;

/** A frame, decoded. alpha: null where all of it is opaque. */
export interface Layers {
  colours: ImageBitmap;
  alpha: ImageBitmap | null;
  close(): void;
}

export async function layersOf(
  frame: Pick<EncodedFrame, "jpeg" | "alpha">,
  decode: (jpeg: Uint8Array<ArrayBuffer>) => Promise<ImageBitmap>,
): Promise<Layers> {
  const both = await Promise.allSettled([
    decode(frame.jpeg),
    frame.alpha.length ? decode(frame.alpha) : null,
  ]);
  const close = () => {
    for (const one of both) if (one.status === "fulfilled") one.value?.close();
  };
  const [colours, alpha] = both;
  if (colours.status === "rejected" || alpha.status === "rejected") {
    close();
    throw new Error("not a picture");
  }
  return { colours: colours.value, alpha: alpha.value, close };
}

export interface Painter {
  paint(layers: Layers): void;
}

/** Paints on nothing. Null where there is no WebGL. */
export function joiningPainter(canvas: HTMLCanvasElement): Painter | null {
  const gl = canvas.getContext("webgl", {
    alpha: true,
    premultipliedAlpha: true,
    antialias: false,
    depth: false,
  });
  if (!gl) return null;
  const opaque = new Uint8Array([255, 255, 255, 255]);
  let isReady = prepare(gl);
  canvas.addEventListener("webglcontextlost", (event) => {
    event.preventDefault(); // so that it comes back
    isReady = false;
  });
  canvas.addEventListener("webglcontextrestored", () => {
    isReady = prepare(gl);
  });
  return {
    paint({ colours, alpha }) {
      if (!isReady) return;
      gl.viewport(0, 0, canvas.width, canvas.height);
      gl.activeTexture(gl.TEXTURE0);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, colours);
      gl.activeTexture(gl.TEXTURE1);
      if (alpha) gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, alpha);
      else gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 1, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, opaque);
      gl.drawArrays(gl.TRIANGLE_STRIP, 0, 4);
    },
  };
}

/** The program, its corners and its two textures. False if the GPU will not have it. */
function prepare(gl: WebGLRenderingContext): boolean {
  const program = gl.createProgram();
  for (const [kind, source] of [
    [gl.VERTEX_SHADER, CORNERS],
    [gl.FRAGMENT_SHADER, JOIN],
  ] as const) {
    const shader = gl.createShader(kind);
    if (!shader) return false;
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) return false;
  // biome-ignore lint/correctness/useHookAtTopLevel: this is WebGL's useProgram, no hook
  gl.useProgram(program);
  gl.bindBuffer(gl.ARRAY_BUFFER, gl.createBuffer());
  gl.bufferData(gl.ARRAY_BUFFER, new Float32Array([0, 0, 1, 0, 0, 1, 1, 1]), gl.STATIC_DRAW);
  const corner = gl.getAttribLocation(program, "corner");
  gl.enableVertexAttribArray(corner);
  gl.vertexAttribPointer(corner, 2, gl.FLOAT, false, 0, 0);
  for (const [unit, name] of ["colours", "alphas"].entries()) {
    gl.activeTexture(gl.TEXTURE0 + unit);
    gl.bindTexture(gl.TEXTURE_2D, gl.createTexture());
    // Pictures of any size have no smaller copies and no repetition in WebGL 1.
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.LINEAR);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    gl.uniform1i(gl.getUniformLocation(program, name), unit);
  }
  return true;
}

/** Paints on black. */
export function plainPainter(canvas: HTMLCanvasElement): Painter {
  const context = canvas.getContext("2d", { alpha: false });
  return { paint: ({ colours }) => context?.drawImage(colours, 0, 0) };
}
