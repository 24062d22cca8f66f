"""What of a file's EXIF is kept: what it says of the picture, not how the file was laid out."""

from __future__ import annotations

from PIL import ExifTags, Image

from arbsr_jax.imaging.image_files import UNREADABLE

Base = ExifTags.Base
KEPT = (
    Base.ImageDescription,
    Base.Make,
    Base.Model,
    Base.Software,
    Base.DateTime,
    Base.Artist,
    Base.Copyright,
)
FOLDERS = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)  # tables inside the table
SIZES = (Base.ExifImageWidth, Base.ExifImageHeight)  # no longer true


def orientation(image: Image.Image) -> int:
    """EXIF's orientation, 1 to 8; 1 where there is none or it cannot be read."""
    try:
        return image.getexif().get(Base.Orientation, 1)
    except UNREADABLE:
        return 1


def upright(image: Image.Image) -> bytes | None:
    """The EXIF block of an image that was turned upright; None if it has none, or one that cannot be read."""
    try:
        found, kept = image.getexif(), Image.Exif()
        for tag in KEPT:
            if tag in found:
                kept[tag] = found[tag]
        for folder in FOLDERS:
            inner = {tag: value for tag, value in found.get_ifd(folder).items() if tag not in SIZES}
            if inner:
                kept.get_ifd(folder).update(inner)
        if not len(kept) and not any(kept.get_ifd(folder) for folder in FOLDERS):
            return None
        kept[Base.Orientation] = 1
        return kept.tobytes()
    except UNREADABLE:
        return None
