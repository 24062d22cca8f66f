"""The streams of a film that is written: pictures by the source's codec, everything else as it was."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from arbsr_jax.photos.frames import Colours, pyav

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
    context.colorspace, context.color_range, context.color_primaries, context.color_trc = colours
    context.sample_aspect_ratio = pixel
    if kind == "avi":  # it knows a rate alone: neither times nor frames out of order
        context.time_base, context.max_b_frames = 1 / Fraction(pictures.average_rate), 0
    else:
        context.time_base = pictures.time_base
    encoder.metadata.update(pictures.metadata)
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
    output.metadata.update(container.metadata)
    output.set_chapters(container.chapters())
    for stream in container.streams:
        if stream.index == pictures.index or (stream.type == "data" and container.chapters()):  # MP4's chapters are one
            continue
        try:
            if stream.type == "data" or not _fits(stream, output):
                raise ValueError("of a kind that the container does not hold")
            if stream.type == "attachment":
                copy = output.add_attachment(stream.name, stream.mimetype, stream.data)
            else:
                copy = output.add_stream_from_template(stream)
                others[stream.index] = copy
            copy.metadata.update(stream.metadata)
        except (av.FFmpegError, ValueError, TypeError, NotImplementedError):
            codec = getattr(stream.codec_context, "name", None) if stream.type != "data" else None
            left_out.append(f"{stream.type} stream {codec or stream.index} is left out")
    return others, left_out


def _fits(stream: Any, output: Any) -> bool:
    """Whether the container takes the stream's codec."""
    return stream.type == "attachment" or stream.codec_context.codec.canonical_name in output.supported_codecs


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
