"""Plans carried out: counted, in batches, without waiting, and on several devices alike."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from arbsr_jax import Upscaler, load_model
from arbsr_jax.inference.limits import Limits
from arbsr_jax.inference.tiling import TilesWithin
from arbsr_jax.model_file import Model, save_model
from tests.conftest import ROOT
from tests.models.fixtures import SMALL, randomized

SIXTEEN_GIB = Limits(8 * 2**30, accelerator=True)


def as_on_an_accelerator(upscaler):
    upscaler._tiling = TilesWithin(SIXTEEN_GIB)
    return upscaler


@pytest.fixture
def small():
    return Upscaler(Model("small", SMALL, randomized(SMALL), {}))


def frames_of(rng, count, height, width):
    return rng.integers(0, 256, (count, height, width, 3)).astype(np.uint8)


def test_an_accelerator_is_sent_everything_before_anything_is_read():
    upscaler = as_on_an_accelerator(load_model("arbedsr-tiny"))
    scene = np.add.outer(np.arange(360), np.arange(640))[..., None].repeat(3, axis=2).astype(np.uint8)
    upscaler.upscale(scene, 3)
    stats = upscaler.network.stats
    assert (stats.encodes, stats.decodes, stats.host_waits) == (1, 1, 0)
    assert stats.bytes_from_device == 1080 * 1920 * 3
    assert stats.encoded == stats.decoded == 1


def test_a_hundred_frames_take_few_dispatches(rng, small):
    upscaler, frames = as_on_an_accelerator(small), frames_of(rng, 100, 18, 32)
    large = upscaler.upscale(frames, 2)
    assert upscaler.network.stats.encodes == upscaler.network.stats.decodes == 1
    assert upscaler.batch_size((180, 320), 2, most=100) >= 7
    one_by_one = Upscaler(upscaler.model)
    for frame, expected in zip(frames[::33], large[::33], strict=True):
        difference = one_by_one.upscale(frame, 2).astype(int) - expected
        assert np.abs(difference).max() <= 1


def test_positions_are_sent_once_for_images_of_one_size(rng, small):
    frames = frames_of(rng, 3, 30, 40)
    small.upscale(frames[0], "2.37")
    first = small.network.stats.copy()
    small.upscale(frames[1], "2.37")
    lr_bytes = 4 * 3 * 30 * 40
    assert (small.network.stats - first).bytes_to_device == lr_bytes < first.bytes_to_device
    small.upscale(frames[2], "2.39")
    assert (small.network.stats - first).bytes_to_device > 2 * lr_bytes


def test_counters_say_what_a_plan_does(rng, small):
    upscaler = Upscaler(small.model, tile=64)
    upscaler.upscale(frames_of(rng, 1, 90, 70)[0], 2)
    stats = upscaler.network.stats
    assert stats.images == 1
    assert (stats.lr_pixels, stats.hr_pixels) == (90 * 70, 180 * 140)
    assert stats.encoded_pixels == stats.encodes * 64**2
    assert stats.decodes >= stats.encodes > 1
    assert stats.host_waits >= 1
    words = upscaler.explain((90, 70), 2)
    assert f"{stats.encodes} tiles of 64x64, {stats.decodes} windows" in words
    assert f"{stats.encoded:.2f} of the LR and {stats.decoded:.2f} of the HR pixels" in words


RUN = """
import sys, jax, numpy as np
from arbsr_jax import Upscaler, model_file
model, image, frames = model_file.read_model_file(sys.argv[1]), np.load(sys.argv[2]), np.load(sys.argv[3])
tiles, whole = Upscaler(model, tile=64), Upscaler(model)
results = {"tiles": tiles.upscale(image, "2.5x3.5"), "frames": whole.upscale(frames, "2.37")}
results["one"] = whole.upscale(image, 2)
print(jax.local_device_count(), tiles.network.stats.encodes, whole.network.stats.encodes)
np.savez(sys.argv[4], **results)
"""


@pytest.mark.slow
def test_devices_share_tiles_and_frames_and_change_no_bit(rng, small, tmp_path):
    """9 tiles and 5 frames on 1 and on 8 devices."""
    save_model(tmp_path / "m.safetensors", small.model.config, small.model.parameters, {})
    np.save(tmp_path / "image.npy", frames_of(rng, 1, 91, 83)[0])
    np.save(tmp_path / "frames.npy", frames_of(rng, 5, 21, 34))
    results, counts = [], []
    for devices in ("1", "8"):
        names = [tmp_path / name for name in ("m.safetensors", "image.npy", "frames.npy", f"{devices}.npz")]
        environment = os.environ | {"JAX_NUM_CPU_DEVICES": devices}
        ran = subprocess.run(
            [sys.executable, "-c", RUN, *names], env=environment, cwd=ROOT, check=True, capture_output=True, text=True
        )
        counts.append([int(word) for word in ran.stdout.split()])
        results.append(np.load(names[-1]))
    (one, tiles, images), (eight, fewer_tiles, fewer_images) = counts
    assert (one, eight) == (1, 8)
    assert fewer_tiles == -(-tiles // 8) < tiles
    assert images == 6
    assert fewer_images == 2
    for name in ("tiles", "frames", "one"):
        np.testing.assert_array_equal(results[0][name], results[1][name])


@pytest.mark.parametrize("images", [200, pytest.param(5000, marks=pytest.mark.slow)])
def test_threads_share_an_upscaler_and_get_their_own_images(images, rng):
    """Sizes and scales that take turns, and threads that are switched all the time."""
    upscaler = Upscaler(Model("small", SMALL, randomized(SMALL), {}))
    cases = [(7, 9, "2"), (12, 8, "2.5x3.5"), (9, 9, "1.5"), (15, 6, "3x2")]
    inputs = [rng.integers(0, 256, (height, width, 3), np.uint8) for height, width, _ in cases]
    expected = [upscaler.upscale(image, case[2]).astype(int) for image, case in zip(inputs, cases, strict=True)]
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as threads:
            numbers = [number % len(cases) for number in range(images)]
            results = list(threads.map(lambda n: upscaler.upscale(inputs[n], cases[n][2]), numbers))
    finally:
        sys.setswitchinterval(before)
    # Other tiles may round otherwise.
    assert all(np.abs(result - expected[n]).max() <= 1 for n, result in zip(numbers, results, strict=True))
