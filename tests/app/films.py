"""Films of a few frames, made with PyAV: one colour moves through each, so that matrices show."""

from fractions import Fraction

import av
import numpy as np

SIZE = 64, 48
RATE, FRAMES = 10, 12
SRT = "1\n00:00:00,000 --> 00:00:00,500\nHello\n\n2\n00:00:00,600 --> 00:00:01,000\nWorld\n"


def picture(number: int) -> np.ndarray:
    """An orange field with a brighter square that moves."""
    pixels = np.full((SIZE[1], SIZE[0], 3), (200, 60, 30), np.uint8)
    pixels[8:24, 8 + number : 24 + number] = (220, 210, 40)
    return pixels


def make(  # noqa: PLR0912 (each part of a film is one)
    path,
    codec="libx264",
    pixels="yuv420p",
    colours=(1, 1, 1, 1),
    *,
    options=None,
    aspect=None,
    times=None,
    rotation=0,
    sound=0,
    subtitles=False,
    chapters=False,
    attachment=False,
    alpha=False,
    marks=(),
):
    """Write a film; `colours` are matrix, range, primaries and transfer by ITU-T H.273."""
    with av.open(str(path), "w") as film:
        stream = film.add_stream(codec, rate=RATE, options=options or {"crf": "1"})
        stream.width, stream.height = SIZE
        stream.pix_fmt = pixels
        context = stream.codec_context
        context.colorspace, context.color_range, context.color_primaries, context.color_trc = colours
        if times:
            context.time_base = Fraction(1, 1000)
        if aspect:
            context.sample_aspect_ratio = aspect
        if rotation:
            stream.set_display_rotation(rotation)
        tracks = [film.add_stream("aac" if path.suffix != ".webm" else "libopus", rate=48000) for _ in range(sound)]
        for one, mark in zip((stream, *tracks), marks, strict=False):
            one.disposition = mark
        captions = None
        if subtitles:
            source = path.with_suffix(".srt")
            source.write_text(SRT)
            captions = av.open(str(source))
            words = film.add_stream_from_template(captions.streams.subtitles[0])
        if chapters:
            half = {"time_base": Fraction(1, 1000)}
            film.set_chapters(
                [
                    {"id": 1, "start": 0, "end": 600, **half, "metadata": {"title": "One"}},
                    {"id": 2, "start": 600, "end": 1200, **half, "metadata": {"title": "Two"}},
                ]
            )
            film.metadata["title"] = "A film"
        if attachment:
            film.add_attachment("note.txt", "text/plain", b"what was attached")
        for number in range(FRAMES):
            frame = av.VideoFrame.from_ndarray(picture(number), format="rgb24")
            matrix = colours[0] if colours[0] != 2 else 5
            frame = frame.reformat(
                format=pixels, src_color_range=2, dst_colorspace=matrix, dst_color_range=colours[1] or 1
            )
            frame.pts = times[number] if times else number
            frame.time_base = Fraction(1, 1000) if times else Fraction(1, RATE)
            film.mux(stream.encode(frame))
        film.mux(stream.encode(None))
        for track in tracks:
            for number in range(40):
                samples = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
                samples.sample_rate, samples.pts = 48000, number * 1024
                film.mux(track.encode(samples))
            film.mux(track.encode(None))
        if captions:
            for packet in captions.demux():
                if packet.dts is not None:
                    packet.stream = words
                    film.mux(packet)
            captions.close()


def cut(path, begin: int, length: int) -> None:
    """Let an MP4's edit list show `length` milliseconds from frame `begin` on."""
    content = bytearray(path.read_bytes())
    place = content.index(b"elst") + 12  # version, flags, and number of entries
    step = 16384 // (16384 // (RATE * 1024)) // RATE
    content[place : place + 4] = length.to_bytes(4, "big")
    start = int.from_bytes(content[place + 4 : place + 8], "big")
    content[place + 4 : place + 8] = (start + begin * step).to_bytes(4, "big")
    path.write_bytes(bytes(content))


def describe(path) -> dict:
    """What a film holds."""
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        frames = list(film.decode(stream))
        first = frames[0]
        kinds = [one.type for one in film.streams if one.type != "data"]
        ratio = stream.sample_aspect_ratio or stream.codec_context.sample_aspect_ratio or 1
        return {
            "codec": stream.codec_context.codec.canonical_name,
            "pixels": first.format.name.replace("yuvj", "yuv"),
            "colours": tuple(int(value or 2) for value in (first.colorspace, first.color_primaries, first.color_trc)),
            "range": "full" if first.color_range == 2 or "yuvj" in first.format.name else "limited",
            "aspect": f"{Fraction(ratio).numerator}:{Fraction(ratio).denominator}",
            "frames": len(frames),
            "times": [round(frame.time, 3) for frame in frames],
            "size": (first.width, first.height),
            "turned": first.rotation,
            "streams": {kind: kinds.count(kind) for kind in sorted(set(kinds) - {"video"})},
            "chapters": [chapter["metadata"].get("title") for chapter in film.chapters()],
            "title": film.metadata.get("title"),
        }
