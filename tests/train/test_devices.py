"""The same training on 1 or 8 devices, in one process or two: run in processes of their own, on CPU devices."""

import socket
import subprocess
import sys

import numpy as np
import pytest

from tests.conftest import PATIENCE, ROOT

pytestmark = pytest.mark.slow
STEPS = 5
PROGRAM = """
import sys
import jax
devices, processes, process, port, source, target = sys.argv[1:]
jax.config.update("jax_platforms", "cpu")
jax.config.update("jax_num_cpu_devices", int(devices))
if int(processes) > 1:
    jax.config.update("jax_cpu_collectives_implementation", "gloo")
from arbsr_jax import compilation, parallel
compilation.keep_programs_on_disk()  # the five steps after a checkpoint are those before
if int(processes) > 1:
    parallel.initialize_distributed(f"localhost:{port}", int(processes), int(process))
import numpy as np
from tests.train import fixtures
state, start = fixtures.fresh(averaged=True), 0
if source:
    from pathlib import Path
    from arbsr_jax.train.checkpoints import TrainingCheckpoints
    checkpoints = TrainingCheckpoints(Path(source), keep=1)
    state = checkpoints.restore_latest(state)
    start = int(state.step)
share = 8 // int(processes)
mine = slice(share * int(process), share * (int(process) + 1))
assert jax.device_count() == int(devices) * int(processes)
step, losses = fixtures.program(ema=0.9), []
these = fixtures.constants("1.5x2")
for number in range(start, start + 5):
    lr, hr = fixtures.batch(number)
    state, metrics = step(state, parallel.shard((lr[mine], hr[mine])), these)
    losses.append(float(metrics["loss"]))
weights = (state.parameters, state.statistics, state.average)
leaves = {str(i): np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(weights))}
if int(process) == 0:
    np.savez(target, losses=losses, **leaves)
    if not source and int(processes) == 1:
        from pathlib import Path
        from arbsr_jax.train.checkpoints import TrainingCheckpoints
        checkpoints = TrainingCheckpoints(Path(target).with_suffix(""), keep=1)
        checkpoints.save(int(state.step), state)
        checkpoints.close()
"""


def start(*arguments):
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *map(str, arguments)], cwd=ROOT)


def free_port():
    with socket.socket() as listener:
        listener.bind(("localhost", 0))
        return listener.getsockname()[1]


def trained(folder, devices, processes=1, source=""):
    """Losses and parameters after five steps more on that many devices in each process."""
    target = folder / f"{devices}x{processes}{'-resumed' if source else ''}.npz"
    port = free_port()
    running = [start(devices, processes, number, port, source, target) for number in range(processes)]
    assert [process.wait(timeout=PATIENCE) for process in running] == [0] * processes
    return np.load(target)


def assert_close(a, b):
    assert sorted(a.files) == sorted(b.files)
    for name in a.files:
        scale = np.abs(a[name]).max()
        np.testing.assert_allclose(a[name], b[name], rtol=0, atol=1e-5 * scale, err_msg=name)


@pytest.fixture(scope="module")
def on_eight(tmp_path_factory):
    folder = tmp_path_factory.mktemp("devices")
    return folder, trained(folder, 8)


def test_one_device_trains_as_eight_do(on_eight):
    folder, eight = on_eight
    assert_close(eight, trained(folder, 1))


def test_two_processes_train_as_one_does(on_eight):
    folder, eight = on_eight
    assert_close(eight, trained(folder, 4, processes=2))


@pytest.fixture(scope="module")
def eight_resumed(on_eight):
    folder, _ = on_eight
    return trained(folder, 8, source=folder / "8x1")


@pytest.mark.parametrize("devices", [1, 4])
def test_state_of_eight_devices_goes_on_with_fewer(on_eight, eight_resumed, devices):
    """The checkpoint has no trace of the devices; the next five steps are those that eight devices would do."""
    folder, _ = on_eight
    assert_close(eight_resumed, trained(folder, devices, source=folder / "8x1"))
