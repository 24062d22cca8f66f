"""Photographs of every kind in memory, and a model that is quick."""

import io

import numpy as np
import skimage.data
from PIL import Image, ImageCms

from arbsr_jax.model_file import save_model
from tests.models.fixtures import SMALL, randomized

EXIF_ARTIST, ORIENTATION = 0x013B, 0x0112


def icc() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def exif(orientation: int | None = None) -> Image.Exif:
    block = Image.Exif()
    block[EXIF_ARTIST] = "someone"
    if orientation:
        block[ORIENTATION] = orientation
    return block


def pixels(channels: int, depth: int, height: int = 13, width: int = 18) -> np.ndarray:
    """A real picture with that many channels; alpha is a disc with a soft edge."""
    rgb = skimage.data.astronaut()[40 : 40 + height, 200 : 200 + width].astype(np.float64)
    y, x = np.mgrid[:height, :width]
    radius = np.hypot(y - height / 2, x - width / 2)
    alpha = np.clip(255 * (1.2 - radius / (height / 2)), 0, 255)[..., None]
    colour = rgb if channels > 2 else rgb.mean(axis=-1, keepdims=True)
    whole = np.concatenate([colour, alpha], axis=-1) if channels in (2, 4) else colour
    return np.round(whole * (257 if depth == 16 else 1)).astype(np.uint16 if depth == 16 else np.uint8)


def quick_model(folder):
    """A model file of the small network, random: what is tested here is files, not pixels."""
    path = folder / "quick.safetensors"
    save_model(path, SMALL, randomized(SMALL), {})
    return path


def png(image: Image.Image, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG", **options)
    return buffer.getvalue()
