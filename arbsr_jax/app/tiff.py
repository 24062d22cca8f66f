"""EXIF, and where TIFF files have it: libvips neither reads nor writes these tags of the file's own directory."""

from __future__ import annotations

import io
import struct
import warnings
from pathlib import Path
from typing import cast

from PIL import ExifTags, Image, TiffImagePlugin

from arbsr_jax.app.photo import Resolution

Base = ExifTags.Base
KEPT = (  # what a file says of the picture, not how it is laid out
    Base.ImageDescription,
    Base.Make,
    Base.Model,
    Base.Software,
    Base.DateTime,
    Base.Artist,
    Base.Copyright,
)
FOLDERS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)  # directories inside the directory
SIZES = (Base.ExifImageWidth, Base.ExifImageHeight)  # no longer true
CLASSIC = (b"II*\0", b"MM\0*")
ENTRY = 12  # bytes of a directory's entry: tag, type, number, and the value or its place
FIRST_DIRECTORY = slice(4, 8)  # where a file says where its directory lies
DPI_TAGS = (0x011A, 0x011B, 0x0128)  # EXIF's XResolution, YResolution, ResolutionUnit
MILLIMETRES = {2: ("in", 25.4), 3: ("cm", 10.0)}


def read_exif(path: Path, page: int) -> bytes | None:
    """The EXIF block of a page; None if there is none, or one that cannot be read."""
    kept = Image.Exif()
    try:
        with warnings.catch_warnings(action="error"), path.open("rb") as file:
            header = file.read(8)
            directory = TiffImagePlugin.ImageFileDirectory_v2(header)
            for _ in range(page + 1):
                file.seek(directory.next)
                directory.load(file)
            kept.update({tag: directory[tag] for tag in KEPT if tag in directory})
            for folder in FOLDERS:
                if folder in directory:
                    inner = TiffImagePlugin.ImageFileDirectory_v2(header, group=folder)
                    file.seek(directory[folder])
                    inner.load(file)
                    kept.get_ifd(folder).update(
                        {
                            tag: value[0] if isinstance(value, tuple) and len(value) == 1 else value
                            for tag, value in inner.items()
                            if tag not in SIZES
                        }
                    )
            has_any = len(kept) or any(kept.get_ifd(folder) for folder in FOLDERS)
            return kept.tobytes() if has_any else None
    except Exception:
        return None


def append_exif(path: Path, exif: bytes) -> list[str]:
    """Give a TIFF of libvips a second directory, at its end, that holds EXIF too; returns why it does not, if so."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of tags that are cut off: the others are of use
            return _append(path, _loaded(exif))
    except OSError as error:
        if error.errno:  # the disc, not what EXIF holds
            raise
    except Exception:  # whatever a damaged block provokes; until the last write the file is as it was
        pass
    return ["EXIF is damaged and left out"]


def _loaded(exif: bytes) -> Image.Exif:
    block = Image.Exif()
    block.load(exif)
    return block


def _append(path: Path, block: Image.Exif) -> list[str]:
    with path.open("r+b") as file:
        header = file.read(8)
        if header[:4] not in CLASSIC:
            return ["EXIF is not kept in a TIFF so large"]
        order = "<" if header[:1] == b"I" else ">"
        (place,) = struct.unpack(f"{order}L", header[FIRST_DIRECTORY])
        file.seek(place)
        (count,) = struct.unpack(f"{order}H", file.read(2))
        entries = {entry[:2]: entry for entry in (file.read(ENTRY) for _ in range(count))}

        def append(tag: int, kind: int, number: int, content: bytes) -> None:
            entry = struct.pack(f"{order}HHL", tag, kind, number)
            value = (
                content.ljust(4, b"\0") if len(content) <= 4 else struct.pack(f"{order}L", file.seek(0, io.SEEK_END))
            )
            if len(content) > 4:
                file.write(content + b"\0" * (len(content) % 2))
            entries[entry[:2]] = entry + value

        file.seek(0, io.SEEK_END)
        file.write(b"\0" * (file.tell() % 2))  # directories and values begin at even places
        for tag in KEPT:
            if tag in block:
                text = str(block[tag]).encode() + b"\0"
                append(tag, TiffImagePlugin.TiffTags.ASCII, len(text), text)
        for folder in FOLDERS:
            if values := {tag: value for tag, value in block.get_ifd(folder).items() if tag not in SIZES}:
                inner, start = TiffImagePlugin.ImageFileDirectory_v2(header, group=folder), file.seek(0, io.SEEK_END)
                inner.update(values)
                content = inner.tobytes(start)
                file.write(content + b"\0" * (len(content) % 2))
                append(folder, TiffImagePlugin.TiffTags.LONG, 1, struct.pack(f"{order}L", start))
        place = file.seek(0, io.SEEK_END)
        whole = sorted(entries.values(), key=lambda entry: struct.unpack(f"{order}H", entry[:2]))
        file.write(struct.pack(f"{order}H", len(whole)) + b"".join(whole) + b"\0" * 4)
        file.seek(FIRST_DIRECTORY.start)
        file.write(struct.pack(f"{order}L", place))
    return []


def exif_resolution(exif: bytes | None) -> Resolution | None:
    """What an EXIF block says of pixels per length, if it does."""
    try:
        with warnings.catch_warnings(action="ignore"):
            block = _loaded(exif or b"")
        x, y, unit = (cast(float, block.get(tag)) for tag in DPI_TAGS)  # None is a TypeError below
        name, millimetres = MILLIMETRES[int(unit or 2)]
        return Resolution(float(x) / millimetres, float(y) / millimetres, name)
    except Exception:
        return None
