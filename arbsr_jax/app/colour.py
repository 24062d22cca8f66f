"""Colour spaces and profiles: what a file's profile holds for, and conversions to sRGB."""

from __future__ import annotations

import struct

import numpy as np
from jaxtyping import Float64

from arbsr_jax.typing import Pixels

SPACE = slice(16, 20)  # where an ICC profile names the colours that it holds for (ICC.1:2022, 7.2)
HEADER = 128  # bytes of a profile's header
GRAY, RGB = b"GRAY", b"RGB "
PROFILE = "icc-profile-data"  # libvips' name
PNG_UNIT = 100_000  # of gAMA and cHRM
SRGB_GAMMA = 45_455
SRGB_POINTS = (31_270, 32_900, 64_000, 33_000, 30_000, 60_000, 15_000, 6_000)  # white, red, green, blue
LEAST_SPAN = 1e-4  # determinant of primaries; sRGB's is 0.21
CICP_SRGB = (1, 13)  # primaries and transfer of sRGB (ITU-T H.273)


def space_of(icc: bytes) -> bytes:
    """The colour space that a profile holds for; empty if it is no profile."""
    return icc[SPACE] if icc[36:40] == b"acsp" else b""


def space_for(channels: int) -> bytes:
    """The colour space of pixels with that many channels."""
    return GRAY if channels < 3 else RGB


def chunks_are_srgb(chunks: dict[bytes, bytes]) -> bool:
    """Whether a PNG's colour chunks say sRGB, or nothing."""
    if cicp := chunks.get(b"cICP"):
        return tuple(cicp[:2]) == CICP_SRGB
    if b"sRGB" in chunks:
        return True
    points = struct.unpack(">8I", chunks[b"cHRM"]) if b"cHRM" in chunks else SRGB_POINTS
    return points == SRGB_POINTS and _gamma(chunks) == SRGB_GAMMA


def chunks_to_srgb(pixels: Pixels, chunks: dict[bytes, bytes]) -> Pixels:
    """Pixels whose colours gAMA and cHRM describe, as sRGB; alpha stays."""
    top = np.iinfo(pixels.dtype).max
    colours = 1 if pixels.shape[-1] < 3 else 3
    light = (pixels[..., :colours] / top) ** (PNG_UNIT / _gamma(chunks))
    if colours == 3 and b"cHRM" in chunks:
        points = struct.unpack(">8I", chunks[b"cHRM"])
        light = light @ (np.linalg.inv(_to_xyz(SRGB_POINTS)) @ _to_xyz(points)).T
    encoded = np.floor(encode_srgb(light) * top + 0.5).astype(pixels.dtype)
    return np.concatenate([encoded, pixels[..., colours:]], axis=-1)


def spans_colours(points: tuple[int, ...]) -> bool:
    """Whether white and primaries of a cHRM chunk make a colour space: they are no line, and white has light."""
    white, *primaries = np.array(points, np.float64).reshape(4, 2) / PNG_UNIT
    columns = np.array([[x, y, 1 - x - y] for x, y in primaries]).T
    return bool(white[1] > 0 and abs(np.linalg.det(columns)) > LEAST_SPAN)


def encode_srgb(light: Float64[np.ndarray, "..."]) -> Float64[np.ndarray, "..."]:
    """SRGB values, 0 to 1, of linear light, which is clipped (IEC 61966-2-1)."""
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def _gamma(chunks: dict[bytes, bytes]) -> int:
    return struct.unpack(">I", chunks[b"gAMA"])[0] if b"gAMA" in chunks else SRGB_GAMMA


def _to_xyz(points: tuple[int, ...]) -> Float64[np.ndarray, "3 3"]:
    """From linear RGB of those primaries, white being (1, 1, 1), to XYZ of which white is (1, 1, 1) too."""
    white, *primaries = np.array(points, np.float64).reshape(4, 2) / PNG_UNIT
    columns = np.array([[x, y, 1 - x - y] for x, y in primaries]).T
    white_xyz = np.array([*white, 1 - white.sum()]) / white[1]
    return columns * np.linalg.solve(columns, white_xyz) / white_xyz[:, None]
