"""Milliseconds that a frame of a film takes, beside the network alone.

    python -m benchmarks.films [--model arbedsr-tiny] [--frames 200] [--size 320x180] [--scale 2] [--record]

The film is made of a photograph that moves, with sound. Both run in turn in one process, the network on the film's own
frames; programs are compiled beforehand.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from arbsr_jax import compilation, load_model
from arbsr_jax.app import film
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.inference.upscaler import Upscaler
from benchmarks.large_images import photograph
from benchmarks.record import machine, record

RATE, SOUND = 25, 48000


def frames_of(count: int, width: int, height: int) -> list[np.ndarray]:
    """A photograph that moves by a pixel a frame."""
    scene = photograph(height + count, width + count)
    return [np.ascontiguousarray(scene[n : n + height, n : n + width]) for n in range(count)]


def make(path: Path, frames: list[np.ndarray]) -> None:
    """A film of these frames, H.264 with AAC."""
    with av.open(str(path), "w") as output:
        video: Any = output.add_stream("libx264", rate=RATE, options={"crf": "18"})
        video.height, video.width, video.pix_fmt = *frames[0].shape[:2], "yuv420p"
        audio: Any = output.add_stream("aac", rate=SOUND)
        for pixels in frames:
            output.mux(video.encode(av.VideoFrame.from_ndarray(pixels, "rgb24")))
        output.mux(video.encode(None))
        tone = np.sin(np.arange(SOUND * len(frames) // RATE) * 0.05).astype(np.float32)[None]
        for at in range(0, tone.shape[1] - 1024, 1024):
            samples = av.AudioFrame.from_ndarray(tone[:, at : at + 1024], "fltp", "mono")
            samples.sample_rate, samples.pts, samples.time_base = SOUND, at, Fraction(1, SOUND)
            output.mux(audio.encode(samples))
        output.mux(audio.encode(None))


def enlarge_film(upscaler: Upscaler, source: Path, target: Path, scale: Scale) -> float:
    """Seconds for the whole film."""
    begin, facts = time.perf_counter(), film.probe(source)
    size = scale.output_size(facts.height, facts.width)
    batch = upscaler.batch_size((facts.height, facts.width), scale)
    film.convert(
        source, target, facts, lambda frames: upscaler.upscale(frames, scale), (size.width, size.height), batch
    )
    return time.perf_counter() - begin


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="arbedsr-tiny")
    parser.add_argument("--frames", type=int, default=200)
    parser.add_argument("--size", default="320x180", help="width x height")
    parser.add_argument("--scale", default="2")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--record", action="store_true", help="keep the row in benchmarks/results")
    flags = parser.parse_args()
    compilation.keep_programs_on_disk()
    width, height = map(int, flags.size.split("x"))
    upscaler, scale = load_model(flags.model), Scale.of(flags.scale)
    frames, films, alone = frames_of(flags.frames, width, height), [], []
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "film.mp4"
        make(source, frames)
        upscaler.upscale(frames[0], scale)
        for _ in range(flags.rounds):
            films.append(enlarge_film(upscaler, source, source.with_stem("large"), scale) / flags.frames)
            begin = time.perf_counter()
            for frame in frames:
                upscaler.upscale(frame, scale)
            alone.append((time.perf_counter() - begin) / flags.frames)
    ratio = statistics.median(a / b for a, b in zip(films, alone, strict=True))
    frame_ms, network_ms = (1e3 * statistics.median(seconds) for seconds in (films, alone))
    print(f"{frame_ms:.1f} ms a frame, {network_ms:.1f} ms the network alone: {ratio:.3f}")
    if flags.record:
        row = {"model": flags.model, "film": f"{flags.frames} frames of {flags.size}", "scale": str(scale)}
        numbers = {"frame_ms": frame_ms, "network_ms": network_ms, "ratio": ratio, "machine": machine()}
        record("films", [row | numbers], (*row, "machine"))


if __name__ == "__main__":
    main()
