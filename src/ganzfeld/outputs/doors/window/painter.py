"""Draws a window: one picture on a rectangle whose corners may stand anywhere, its edges smooth, the rest black."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ganzfeld.errors import OutputError
from ganzfeld.outputs.doors.window.pin import SQUARE, Corners, onto_square

Fit = Literal["fit", "fill", "stretch"]
"""fit: the whole picture, with black bars. fill: the whole display, the picture cut. stretch: neither, but other
proportions."""
SHRUNK_MUCH = 1.5
"""Beyond so many pixels of the picture to one of the display, averages of it are made first, or fine lines flicker."""

_VERTICES = """
#version 330
void main() {
    // One triangle that covers everything.
    gl_Position = vec4(gl_VertexID == 1 ? 3.0 : -1.0, gl_VertexID == 2 ? 3.0 : -1.0, 0.0, 1.0);
}
"""
_FRAGMENTS = """
#version 330
uniform sampler2D picture, panel;
uniform vec2 display;           // pixels
uniform mat3 onto_square;       // from the display, 0 to 1, to the square whose corners are the four
uniform vec4 box;               // where in the square the picture is: x, y, width, height
uniform float gain;
uniform bool has_picture, is_cubic;
uniform int selected;           // corner that is moved, or -1
uniform vec2 corners[4];        // pixels
uniform vec4 panel_box;         // pixels; no panel if its width is 0
out vec4 colour;

const vec3 mark = vec3(1.0, 0.69, 0.13);

// How much of this pixel lies inside 0 to 1.
float inside(vec2 at) {
    vec2 edge = min(at, 1.0 - at) / max(fwidth(at), 1e-7) + 0.5;
    return clamp(min(edge.x, edge.y), 0.0, 1.0);
}

// Between pixels: Catmull and Rom's cubic, which keeps edges where a picture is enlarged. (E. Catmull, R. Rom, "A class
// of local interpolating splines", 1974.) On a pixel it is that pixel.
vec3 cubic(vec2 at) {
    ivec2 size = textureSize(picture, 0);
    vec2 place = at * vec2(size) - 0.5;
    vec2 f = fract(place);
    ivec2 base = ivec2(floor(place)) - 1;
    vec2 weights[4];
    weights[0] = f * (-0.5 + f * (1.0 - 0.5 * f));
    weights[1] = 1.0 + f * f * (-2.5 + 1.5 * f);
    weights[2] = f * (0.5 + f * (2.0 - 1.5 * f));
    weights[3] = f * f * (-0.5 + 0.5 * f);
    vec3 sum = vec3(0.0);
    for (int y = 0; y < 4; y++)
        for (int x = 0; x < 4; x++)
            sum += weights[x].x * weights[y].y
                * texelFetch(picture, clamp(base + ivec2(x, y), ivec2(0), size - 1), 0).rgb;
    return clamp(sum, 0.0, 1.0);
}

void main() {
    vec2 pixel = vec2(gl_FragCoord.x, display.y - gl_FragCoord.y);
    vec3 projected = onto_square * vec3(pixel / display, 1.0);
    vec2 square = projected.xy / projected.z;
    vec2 at = (square - box.xy) / box.zw;
    float shown = projected.z > 0.0 ? min(inside(square), inside(at)) : 0.0;
    vec3 light = (is_cubic ? cubic(at) : texture(picture, at).rgb) * (has_picture ? shown * gain : 0.0);
    if (selected >= 0) {
        // The outline of the square, a ring at every corner, and a dot in the one that arrows move.
        vec2 from_edge = abs(square - clamp(round(square), 0.0, 1.0)) / max(fwidth(square), 1e-7);
        vec2 beyond = max(abs(square - 0.5) - 0.5, 0.0) / max(fwidth(square), 1e-7);
        float line = clamp(2.0 - max(min(from_edge.x, from_edge.y), max(beyond.x, beyond.y)), 0.0, 1.0);
        light = mix(light, mark, projected.z > 0.0 ? line : 0.0);
        float unit = max(display.y / 1080.0, 0.5);
        for (int corner = 0; corner < 4; corner++) {
            float away = distance(pixel, corners[corner]) / unit;
            light = mix(light, vec3(0.0), 0.6 * clamp(24.0 - away, 0.0, 1.0));
            light = mix(light, mark, clamp(2.5 - abs(away - 20.0), 0.0, 1.0));
            if (corner == selected)
                light = mix(light, mark, clamp(11.0 - away, 0.0, 1.0));
        }
    }
    if (panel_box.z > 0.0) {
        vec2 on_panel = (pixel - panel_box.xy) / panel_box.zw;
        vec4 text = texture(panel, on_panel);
        light = mix(light, text.rgb, text.a * inside(on_panel));
    }
    colour = vec4(light, 1.0);
}
"""


@dataclass(eq=False)
class Uploaded:
    """A picture in the GPU's memory. texture: moderngl's. size: width and height."""

    texture: Any
    size: tuple[int, int]
    has_smaller: bool = False


class Painter:
    """Draws with an OpenGL context that is current. context: moderngl's."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self._program = context.program(vertex_shader=_VERTICES, fragment_shader=_FRAGMENTS)
        self._triangle = context.vertex_array(self._program, [])
        self._largest = int(context.info["GL_MAX_TEXTURE_SIZE"])
        self._nothing = self.upload(np.zeros((1, 1, 4), np.uint8))
        self._program["picture"].value, self._program["panel"].value = 0, 1
        self.enlarges_well = self.has_gpu
        """Whether enlarged pictures are worth sixteen pixels for each one: not where the processor draws."""

    @property
    def has_gpu(self) -> bool:
        """Whether a graphics card draws, and not the processor."""
        renderer = str(self._context.info["GL_RENDERER"]).lower()
        return not any(name in renderer for name in ("llvmpipe", "softpipe", "swrast", "basic render"))

    def upload(self, pixels: np.ndarray, into: Uploaded | None = None) -> Uploaded:
        """Take a picture, uint8 [height, width, 4]; `into` is used again if its size fits. Raises OutputError if it is
        too large for the card."""
        size = pixels.shape[1], pixels.shape[0]
        if into is not None and into.size == size:
            into.texture.write(pixels)
            into.has_smaller = False
            return into
        if max(size) > self._largest:
            hint = "Give several windows a region each: window:1[0,0,3840,1080]"
            raise OutputError(f"a picture of {size[0]} × {size[1]} is too large for this graphics card", hint=hint)
        if into is not None:
            self.release(into)
        texture = self._context.texture(size, 4, pixels)
        texture.repeat_x = texture.repeat_y = False
        return Uploaded(texture, size)

    def release(self, picture: Uploaded) -> None:
        """Give its memory back."""
        picture.texture.release()

    def paint(
        self,
        picture: Uploaded | None,
        display: tuple[int, int],
        *,
        fit: Fit = "fit",
        corners: Corners = SQUARE,
        gain: float = 1.0,
        selected: int | None = None,
        panel: Uploaded | None = None,
    ) -> None:
        """Draw the whole of the display, `display` pixels large. selected: the corner that is being moved, which shows
        all corners. panel: straight RGBA, shown in its own size below the middle."""
        program, shown = self._program, picture or self._nothing
        place = picture_box(shown.size, display, fit, whole=corners == SQUARE)
        shrunk = max(shown.size[0] / (place[2] * display[0]), shown.size[1] / (place[3] * display[1]))
        if shrunk > SHRUNK_MUCH:
            if not shown.has_smaller:
                shown.texture.build_mipmaps()
                shown.has_smaller = True
            shown.texture.filter = (LINEAR_MIPMAP_LINEAR, LINEAR)
        else:
            shown.texture.filter = (LINEAR, LINEAR)
        program["display"].value = display
        program["onto_square"].value = tuple(onto_square(corners).T.ravel())
        program["box"].value = place
        program["gain"].value = gain
        program["has_picture"].value = picture is not None
        program["is_cubic"].value = self.enlarges_well and shrunk <= 1
        program["selected"].value = -1 if selected is None else selected
        program["corners"].value = [
            (corners[at] * display[0], corners[at + 1] * display[1]) for at in range(0, len(corners), 2)
        ]
        program["panel_box"].value = _panel_box(panel, display)
        shown.texture.use(0)
        (panel or self._nothing).texture.use(1)
        self._context.viewport = (0, 0, *display)
        self._triangle.render(vertices=3)

    def finish(self) -> None:
        """Wait until the card has done all of it."""
        self._context.finish()

    def close(self) -> None:
        """Let go of the context."""
        self._context.release()


# OpenGL's own numbers; moderngl is not imported before a window opens.
LINEAR, LINEAR_MIPMAP_LINEAR = 0x2601, 0x2703


def picture_box(
    picture: tuple[int, int], display: tuple[int, int], fit: Fit, *, whole: bool = True
) -> tuple[float, float, float, float]:
    """Where on a display a picture is: x, y, width, height as parts of the display. whole: on whole pixels, so that a
    picture shown in its own size is shown exactly."""
    if fit == "stretch":
        return 0.0, 0.0, 1.0, 1.0
    across, down = display[0] / picture[0], display[1] / picture[1]
    scale = min(across, down) if fit == "fit" else max(across, down)
    width, height = picture[0] * scale, picture[1] * scale
    if whole:
        width, height = max(1, round(width)), max(1, round(height))
    x, y = (display[0] - width) / 2, (display[1] - height) / 2
    if whole:
        x, y = x // 1, y // 1
    return x / display[0], y / display[1], width / display[0], height / display[1]


def _panel_box(panel: Uploaded | None, display: tuple[int, int]) -> tuple[float, float, float, float]:
    if panel is None:
        return 0.0, 0.0, 0.0, 0.0
    width, height = panel.size
    return (display[0] - width) // 2, display[1] * 0.72 // 1, width, height
