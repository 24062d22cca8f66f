"""How many CPU devices share the cores."""

from types import SimpleNamespace

import pytest

from arbsr_jax import parallel


@pytest.fixture
def config(monkeypatch):
    """JAX's, as nobody has changed it."""
    config = SimpleNamespace(jax_num_cpu_devices=-1)
    config.update = lambda name, value: setattr(config, name, value)
    monkeypatch.setattr(parallel, "jax", SimpleNamespace(config=config))
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    return config


@pytest.mark.parametrize(("cores", "batch", "devices"), [(2, 16, 2), (3, 16, 2), (12, 16, 8), (64, 16, 16), (2, 15, 1)])
def test_as_many_devices_as_cores_share_a_batch(monkeypatch, config, cores, batch, devices):
    monkeypatch.setattr(parallel, "cores", lambda: cores)
    parallel.share_cores(batch)
    assert config.jax_num_cpu_devices == devices


def test_who_asked_for_a_number_is_not_overruled(monkeypatch, config):
    config.jax_num_cpu_devices = 1
    parallel.share_cores(16)
    assert config.jax_num_cpu_devices == 1
    config.jax_num_cpu_devices = -1
    monkeypatch.setenv("XLA_FLAGS", "--xla_force_host_platform_device_count=4")
    parallel.share_cores(16)
    assert config.jax_num_cpu_devices == -1
