from __future__ import annotations

from fake_host import exactly

from syphon import RGBA8, Device, Texture


def create_mtl_texture(device: Device, width: int, height: int, pixel_format: int = RGBA8) -> Texture:
    exactly(device, Device)
    return Texture(exactly(width, int), exactly(height, int), pixel_format)
