"""How much a film of a still scene flickers: mean difference of successive frames, enlarged, over bicubic's.

    python -m benchmarks.flicker [--model arbedsr-restore] [--frames 8] [--record]

Each frame is the same photograph with noise of its own, some films coded by H.264 after that: what changes is flicker.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import av
import numpy as np
import skimage.data

from arbsr_jax.dial import Dial
from arbsr_jax.imaging.resize import imresize
from arbsr_jax.inference.upscaler import Upscaler
from arbsr_jax.models.config import DEFAULT_RESTORING
from benchmarks.record import record

SIDE, FACTOR, RATE = 192, 2, 25
SIGMAS = {"noise 3": 3.0, "noise 10": 10.0}
STRENGTHS = ("0", "0.5", "1")


def noisy(frames: int, sigma: float) -> np.ndarray:
    """Frames of a still photograph, each with noise of its own."""
    still = imresize(skimage.data.astronaut(), height=SIDE, width=SIDE).astype(float)
    noise = np.random.default_rng(0).normal(0, sigma, (frames, *still.shape))
    return np.clip(np.floor(still + noise + 0.5), 0, 255).astype(np.uint8)


def coded(frames: np.ndarray) -> np.ndarray:
    """The frames after a film of H.264, at its usual quality."""
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "film.mp4")
        with av.open(path, "w") as film:
            stream = film.add_stream("libx264", rate=RATE)
            stream.width, stream.height, stream.pix_fmt = SIDE, SIDE, "yuv420p"
            for frame in frames:
                film.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
            film.mux(stream.encode(None))
        with av.open(path) as film:
            return np.stack([frame.to_ndarray(format="rgb24") for frame in film.decode(video=0)])


def flicker(frames: np.ndarray) -> float:
    """Mean difference of successive frames in grey levels."""
    return float(np.abs(np.diff(frames.astype(float), axis=0)).mean())


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT_RESTORING)
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--record", action="store_true", help="keep the rows in benchmarks/results")
    flags = parser.parse_args()
    dial, side = Dial.of(flags.model), FACTOR * SIDE
    upscalers = {text: Upscaler(dial.at(float(text))) for text in STRENGTHS}
    for name, sigma in SIGMAS.items():
        plain = noisy(flags.frames, sigma)
        for kind, frames in ((name, plain), (f"{name}, then H.264", coded(plain))):
            bicubic = flicker(np.stack([imresize(frame, height=side, width=side) for frame in frames]))
            ours = {text: flicker(upscaler.upscale(frames, FACTOR)) for text, upscaler in upscalers.items()}
            row = {"film": kind, "bicubic": bicubic, **{f"restore {text}": value for text, value in ours.items()}}
            print(row, flush=True)
            if flags.record:
                record("flicker", [row], ("film",))


if __name__ == "__main__":
    main()
