"""Programs on disk, and what is said while they are compiled."""

import os

import jax
import numpy as np
import pytest
from tqdm import tqdm

from arbsr_jax import compilation
from arbsr_jax.compilation import UNOPTIMIZED, ProgramCache, compiler_options, keep_programs_on_disk, reported
from arbsr_jax.terminal import show_compiling


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A folder that ARBSR_CACHE names; afterwards programs are kept where they were."""
    before = jax.config.jax_compilation_cache_dir
    monkeypatch.setenv(compilation.CACHE_VARIABLE, str(tmp_path / "cache"))
    yield tmp_path / "cache"
    jax.config.update("jax_compilation_cache_dir", before)


def test_a_folder_of_the_user_keeps_its_mode(cache):
    cache.mkdir()
    cache.chmod(0o755)
    assert keep_programs_on_disk() == cache
    assert cache.stat().st_mode & 0o777 == 0o755


def test_a_cache_that_cannot_be_written_is_a_note(cache, capsys):
    cache.write_text("no folder")
    assert keep_programs_on_disk() is None
    said = capsys.readouterr().err
    assert said.startswith(f"arbsr: compiled programs are not kept ({cache}: ")
    assert "set ARBSR_CACHE to a folder that can be written" in said
    assert said.count("\n") == 1


def test_the_programs_that_were_used_last_stay(cache, monkeypatch):
    cache.mkdir()
    for number in range(4):
        (cache / str(number)).write_bytes(bytes(60))
        os.utime(cache / str(number), (1000 - number, 1000))
    monkeypatch.setattr(compilation, "LARGEST_CACHE", 130)
    keep_programs_on_disk()
    assert sorted(path.name for path in cache.iterdir()) == ["0", "1"]


def test_compiling_is_reported_once_and_shown_beside_a_bar(capsys):
    function, seconds = ProgramCache(jax.jit(lambda x: x + 1)), []
    with reported(seconds.append):
        for _ in range(2):
            function(np.zeros(3, np.float32))
    assert seconds[0] is None
    assert len(seconds) == 2
    assert seconds[1] > 0
    with tqdm(total=2, disable=False) as bar, show_compiling(bar):
        started = bar.start_t
        ProgramCache(jax.jit(lambda x: x + 2))(np.zeros(3, np.float32))
        assert bar.start_t > started  # that time does not count for the remaining one
    assert "compiling, once on this machine" in capsys.readouterr().err


def test_programs_that_are_not_optimized_compute_the_same(rng):
    """XLA for CPUs knows both options, or debug runs would compile as long as others."""
    added = set(compiler_options(optimized=False).items()) - set(compiler_options().items())
    assert set(UNOPTIMIZED) - added <= {("xla_cpu_use_fusion_emitters", False)}  # gone in 0.12
    x = rng.normal(size=(40, 30)).astype(np.float32)
    function = jax.jit(lambda x: jax.nn.sigmoid(x @ x.T).sum(axis=0))
    results = [ProgramCache(function, optimized=optimized)(x) for optimized in (True, False)]
    np.testing.assert_allclose(*results, rtol=1e-6)
