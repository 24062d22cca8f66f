"""Where training images come from: folders, or TensorFlow Datasets (`tfds:div2k/bicubic_x2`)."""

from __future__ import annotations

import io
import socket
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import tensorflow_datasets as tfds
from jaxtyping import UInt8
from PIL import Image
from tensorflow_datasets.core import constants
from tensorflow_datasets.core.download.download_manager import NonMatchingChecksumError

from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.image_files import image_size, list_images, read_rgb

TFDS_PREFIX = "tfds:"
TFDS_FAILURES = (  # unknown, no network, another archive than the published one, no such config
    tfds.core.DatasetNotFoundError,
    tfds.download.DownloadError,
    NonMatchingChecksumError,
    OSError,
    AssertionError,
    ValueError,
)
DIV2K_PAGE = "https://data.vision.ee.ethz.ch/cvl/DIV2K/"
SECONDS = 3  # to wait for its server
HR_FOLDERS = ("DIV2K_train_HR", "HR")  # inside a dataset folder


Load = Callable[[], UInt8[np.ndarray, "height width 3"]]


class TrainingImage(NamedTuple):
    """An HR image that is decoded only when its turn comes.

    Attributes:
      name: of its file, or its place in a dataset.
      size: (height, width) in pixels.
      load: decodes it.
      pictures: for some scales what a teacher made of the image reduced by that scale, of the image's size.
    """

    name: str
    size: tuple[int, int]
    load: Load
    pictures: Mapping[int, Load] = MappingProxyType({})


def training_images(
    sources: Sequence[str], smallest: tuple[int, int], warn: Callable[[str], None] = print
) -> list[TrainingImage]:
    """All images of some sources, except those below `smallest` (height, width) or unreadable, which are named.

    Args:
      sources: folders of images, dataset folders holding `HR/` or `DIV2K_train_HR/`, or `tfds:NAME/CONFIG`, whose
        feature "hr" of the split "train" is read. TFDS finds archives downloaded by hand in its manual folder.
      smallest: size that an image needs.
      warn: called with one line for each image left out.

    Raises:
      ArbsrError: a source is missing or empty, or no image is left.
    """
    images = []
    for source in sources:
        if source.startswith(TFDS_PREFIX):
            images += _from_tfds(source.removeprefix(TFDS_PREFIX))
        else:
            images += _from_folder(Path(source), warn)
    usable = []
    for image in images:
        if image.size[0] >= smallest[0] and image.size[1] >= smallest[1]:
            usable.append(image)
        else:
            needed = f"patches need {smallest[1]}x{smallest[0]} pixels"
            warn(f"skipped {image.name}: {image.size[1]}x{image.size[0]}; {needed}")
    if not usable:
        raise ArbsrError(f"no usable image in {', '.join(sources)}; see the reasons above")
    return usable


def _from_folder(folder: Path, warn: Callable[[str], None]) -> Iterable[TrainingImage]:
    inner = next((folder / name for name in HR_FOLDERS if (folder / name).is_dir()), folder)
    for path in list_images(inner):
        try:
            yield TrainingImage(str(path), image_size(path), partial(read_rgb, path))
        except ArbsrError as error:
            warn(f"skipped {error}")


def _from_tfds(name: str) -> Iterable[TrainingImage]:
    """HR images kept as the encoded files that they are stored as."""
    _refuse_without_archives(name)
    try:
        builder: Any = tfds.builder(name)
        manual = Path(constants.DATA_DIR).expanduser() / "downloads" / "manual"
        settings = tfds.download.DownloadConfig(manual_dir=manual if manual.is_dir() else None)
        builder.download_and_prepare(download_config=settings)
    except TFDS_FAILURES as error:
        reason = str(error).strip().splitlines()[0]
        raise ArbsrError(f"{TFDS_PREFIX}{name}: TFDS cannot provide it ({reason}); use a folder instead") from None
    if "hr" not in builder.info.features:
        raise ArbsrError(f"{TFDS_PREFIX}{name}: has no feature 'hr'; use a super-resolution dataset such as div2k")
    encoded = builder.as_dataset(split="train", decoders={"hr": tfds.decode.SkipDecoding()})
    for index, example in enumerate(tfds.as_numpy(encoded)):
        file = example["hr"]
        with Image.open(io.BytesIO(file)) as image:
            size = (image.height, image.width)
        yield TrainingImage(f"{TFDS_PREFIX}{name}[{index}]", size, partial(_decode, file))


def _refuse_without_archives(name: str) -> None:
    """Say at once what is missing: TFDS would try for minutes to fetch four archives, of which one is read.

    Raises:
      ArbsrError: DIV2K is neither prepared nor in the manual folder, and its publisher cannot be reached.
    """
    dataset, _, config = name.partition("/")
    home = Path(constants.DATA_DIR).expanduser()
    manual = home / "downloads" / "manual"
    if dataset != "div2k" or any((home / dataset).glob(f"{config or '*'}/*/dataset_info.json")):
        return
    degradation = config or "bicubic_x2"
    archives = [f"DIV2K_{split}_{part}.zip" for split in ("train", "valid") for part in ("HR", _lr_part(degradation))]
    missing = [archive for archive in archives if not (manual / archive).is_file()]
    if missing and not _reachable(DIV2K_PAGE):
        raise ArbsrError(
            f"{TFDS_PREFIX}{name}: put {', '.join(missing)} from {DIV2K_PAGE} into {manual}, "
            "or give the unpacked folder DIV2K_train_HR itself as --data"
        )


def _lr_part(degradation: str) -> str:
    """`LR_bicubic_X2` of bicubic_x2, as archives are called."""
    kind, _, factor = degradation.rpartition("_")
    return f"LR_{kind}_{factor.upper()}" if factor.startswith("x") else f"LR_{degradation}"


def _reachable(page: str) -> bool:
    """Whether a server answers within seconds."""
    host = page.split("/")[2]
    try:
        with socket.create_connection((host, 443), timeout=SECONDS):
            return True
    except OSError:
        return False


def _decode(file: bytes) -> UInt8[np.ndarray, "height width 3"]:
    return np.asarray(Image.open(io.BytesIO(file)).convert("RGB"))
