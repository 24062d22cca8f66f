"""The streams of a film that is written: pictures by the source's codec, everything else as it was."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Any

from arbsr_jax.app.frames import Colours, as_written, is_rgb, pyav

CONSTANT_RATE_FACTOR = "16"  # hardly any loss that can be seen
X26 = {"crf": CONSTANT_RATE_FACTOR, "preset": "medium"}
ENCODERS: dict[str, tuple[str, dict[str, str]]] = {  # by the source's codec
    "h264": ("libx264", X26),
    "hevc": ("libx265", X26 | {"x265-params": "log-level=error"}),
    "vp9": ("libvpx-vp9", {"crf": CONSTANT_RATE_FACTOR, "b": "0"}),
    "av1": ("libsvtav1", {"crf": CONSTANT_RATE_FACTOR, "svtav1-params": "enable-stat-report=0"}),
    "prores": ("prores_ks", {}),
    "ffv1": ("ffv1", {}),
    "mpeg4": ("mpeg4", {"qmin": "1", "qmax": "2"}),
}
DEFAULT_CODECS = {"webm": "vp9", "avi": "mpeg4"}  # where the source's cannot be written; else h264
ENCODED = {"libx264": "h264", "libx265": "hevc", "libvpx-vp9": "vp9", "libsvtav1": "av1"}
COVERED = ("mp4", "matroska")  # containers that hold covers
ATTACHING, COVERS = ("matroska",), {"mjpeg": "jpeg", "png": "png"}
TAGGED = ("mp4", "mov")  # containers whose streams have four letters
TAGS = ("avc1", "avc3", "hvc1", "hev1")  # that players tell apart
STATISTICS = re.compile(r"(BPS|DURATION|NUMBER_OF_FRAMES|NUMBER_OF_BYTES|_STATISTICS_\w+)(-\w+)?", re.IGNORECASE)
HDR_METADATA = {"MASTERING_DISPLAY_METADATA", "CONTENT_LIGHT_LEVEL", "DYNAMIC_HDR_PLUS", "DOVI_METADATA"}


def add_pictures(
    output: Any, kind: str, pictures: Any, first: Any, colours: Colours, size: tuple[int, int], pixel: Fraction
) -> tuple[Any, list[str]]:
    """The stream to write pictures to, and what it cannot keep; `pixel` is the shape of a pixel, width to height."""
    remarks = []
    codec = pictures.codec_context.codec.canonical_name
    fits = codec in ENCODERS and codec in output.supported_codecs
    name, options = ENCODERS[codec if fits else DEFAULT_CODECS.get(kind, "h264")]
    if not fits:
        remarks.append(f"{codec} became {name.removeprefix('lib')}")
    encoder = output.add_stream(name, rate=pictures.average_rate, options=options)
    wanted, formats = _format(first), [one.name for one in pyav().Codec(name, "w").video_formats]
    encoder.pix_fmt = wanted if wanted in formats else _nearest(wanted, formats)
    if encoder.pix_fmt != first.format.name.replace("yuvj", "yuv"):
        remarks.append(f"{first.format.name} became {encoder.pix_fmt}")
    encoder.width, encoder.height = (side + side % 2 for side in size)
    if (encoder.width, encoder.height) != tuple(size):
        remarks.append(f"padded to {encoder.width}x{encoder.height}: films have even sides")
    context = encoder.codec_context
    written = as_written(colours, kind, ENCODED.get(name, name), str(encoder.pix_fmt))
    if written.range != colours.range and not is_rgb(encoder.pix_fmt):
        remarks.append("full range became limited: this kind of film cannot name it")
    context.colorspace, context.color_range, context.color_primaries, context.color_trc = written
    if fits and kind in TAGGED and pictures.codec_context.codec_tag in TAGS:
        context.codec_tag = pictures.codec_context.codec_tag
    context.sample_aspect_ratio = pixel
    if kind == "avi":  # it knows a rate alone: neither times nor frames out of order
        context.time_base, context.max_b_frames = 1 / Fraction(pictures.average_rate), 0
    else:
        context.time_base = pictures.time_base
    encoder.metadata.update(_lasting(pictures.metadata))
    encoder.disposition = pictures.disposition
    if first.interlaced_frame:
        remarks.append("interlaced: both fields are enlarged as one picture")
    tagged = {key.lower(): value for key, value in pictures.metadata.items()}
    if tagged.get("alpha_mode") == "1" or any(component.is_alpha for component in first.format.components):
        remarks.append("transparency is left out")
    kinds = {getattr(item, "type", item).name for item in first.side_data}  # PyAV 19 iterates over the types themselves
    if HDR_METADATA & kinds:
        remarks.append("HDR display metadata is left out; matrix, primaries and transfer are kept")
    return encoder, remarks


def add_others(container: Any, pictures: Any, output: Any) -> tuple[dict[int, Any], list[str]]:
    """Streams that are copied, by the index of their source; title and chapters; and what cannot be kept."""
    av, others, left_out = pyav(), {}, []
    output.metadata.update(_lasting(container.metadata))
    output.set_chapters(container.chapters())
    for stream in container.streams:
        if stream.index == pictures.index or (stream.type == "data" and container.chapters()):  # MP4's chapters are one
            continue
        try:
            if (
                stream.type == "data"
                or not _fits(stream, output)
                or (is_cover(stream) and output.format.name not in COVERED)
            ):
                raise ValueError("of a kind that the container does not hold")
            if is_cover(stream) and output.format.name in ATTACHING:
                mime = f"image/{COVERS[stream.codec_context.name]}"
                copy = output.add_attachment(
                    f"cover.{COVERS[stream.codec_context.name]}", mime, _cover(container, stream)
                )
                continue
            if stream.type == "attachment":
                copy = output.add_attachment(stream.name, stream.mimetype, stream.data)
            else:
                copy = output.add_stream_from_template(stream)
                others[stream.index] = copy
            copy.metadata.update(_lasting(stream.metadata))
            copy.disposition = stream.disposition
        except (av.FFmpegError, LookupError, ValueError, TypeError, NotImplementedError):
            if "timecode" in stream.metadata and stream.type == "data" and output.format.name in TAGGED:
                continue  # the container makes a track of its tag
            codec = getattr(stream.codec_context, "name", None) if stream.type != "data" else None
            left_out.append(f"{stream.type} stream {codec or stream.index} is left out")
    return others, left_out


def is_cover(stream: Any) -> bool:
    """Whether a stream of pictures is one that stands for the whole film."""
    return bool(stream.disposition & type(stream.disposition).attached_pic)


def _cover(container: Any, stream: Any) -> bytes:
    """The bytes of a cover, read from the file once more: they come as a packet."""
    with pyav().open(container.name) as again:
        return next(bytes(packet) for packet in again.demux(again.streams[stream.index]) if packet.size)


def _lasting(metadata: Any) -> dict[str, str]:
    """Tags that are true of the enlarged film too: statistics of the streams are not."""
    return {key: value for key, value in metadata.items() if not STATISTICS.fullmatch(key)}


def _fits(stream: Any, output: Any) -> bool:
    """Whether the container takes the stream's codec, and covers if it is one."""
    if is_cover(stream) and output.format.name not in COVERED:
        return False
    if stream.type == "attachment":
        return True
    codec = stream.codec_context  # none if FFmpeg does not know it
    return codec is not None and codec.codec.canonical_name in output.supported_codecs


def _format(frame: Any) -> str:
    """The pixel format to write: sampling and depth as they are, without alpha."""
    return frame.format.name.replace("yuvj", "yuv").replace("yuva", "yuv")


def _nearest(wanted: str, formats: list[str]) -> str:
    """The format of an encoder that keeps depth first, then sampling."""
    sampling = wanted[: len("yuv444p")]

    def loss(name: str) -> tuple[bool, bool]:
        shallow = ("10" in name or "12" in name) != any(bits in wanted for bits in ("10", "12", "16"))
        return shallow, sampling not in name

    return min((name for name in formats if name.startswith("yuv4")), key=loss)
