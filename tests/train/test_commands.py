"""What a user types: train, stop, resume, evaluate."""

import json
import re
import signal
import subprocess
import sys
import time
from functools import partial

import chex
import jax
import pytest
from PIL import Image

from arbsr_jax import ArbsrError, parallel
from arbsr_jax.cli.main import main
from arbsr_jax.model_file import read_model_file
from arbsr_jax.train.recipe import load_config
from arbsr_jax.train.run import train
from arbsr_jax.train.settings import TrainConfig, flat_values
from arbsr_jax.train.stopping import Preempted, StopRequest
from tests.conftest import PATIENCE, ROOT, run_command

CONFIGS = ["edsr:baseline-x3", "arbedsr:tiny", "arbedsr", "arbrcan", "rcan:x4", "ablation:tiny-row1", "ablation:row3"]
CONFIGS += ["arbrdn", "meta"]
ONE_PROGRAM = "edsr:x2-debug"  # what is trained matters less than that it compiles soon


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    import skimage.data

    path = tmp_path_factory.mktemp("images")
    Image.fromarray(skimage.data.astronaut()[:200, :260]).save(path / "a.png")
    Image.fromarray(skimage.data.coffee()[:220, :210]).save(path / "b.png")
    (path / "broken.png").write_bytes(b"no image")
    return path


def command(folder, workdir, *more, config="arbedsr:debug"):
    name, _, variant = config.partition(":")
    return ["train.py", "--config", f"configs/{name}.py:{variant}", "--data", folder, "--workdir", workdir, *more]


def evaluate(model, folder, scale):
    """Exit code, what was printed, and the rows."""
    scores = model.with_name("scores.json")
    result = run_command("evaluate.py", "--model", model, "--data", folder, "--scale", scale, "--json", scores)
    return result, json.loads(scores.read_text())["rows"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--config=configs/arbedsr.py:big"], r"config variant 'big' is unknown; allowed, .* tiny"),
        (["--config=none"], "config 'none' is no file and no packaged config; allowed: ablation, arbedsr"),
        (["--config=train.py"], r"train\.py: has no get_config\(\)"),
        (["--config.stepz=3"], "config has no value 'stepz'; did you mean 'steps'"),
        (["--config.steps=many"], "--config.steps=many: a whole number is needed"),
        (["--config.ema", "many"], "--config.ema=many: a number is needed"),
        (["--config.data.asymmetric=2"], "--config.data.asymmetric=2: True or False is needed"),
        (["--config.steps.x=3"], r"steps\.x"),
    ],
)
def test_a_wrong_value_is_one_line(given, said, tmp_path, capsys):
    assert main(["train", "--config=configs/edsr.py", "--data=a", f"--workdir={tmp_path}", *given]) == 2
    error = capsys.readouterr().err
    assert re.search(said, error)
    assert error.startswith("arbsr train: ")
    assert error.count("\n") == 1


def test_values_have_the_types_of_the_config(capsys):
    values = ["--config.steps=77", "--config.ema", "0.5", "--config.data.asymmetric=false", "--config.init_from=x"]
    assert main(["train", "--config", "arbedsr:tiny", *values, "--print-config"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert {"--config.steps=77", "--config.ema=0.5", "--config.data.asymmetric=False"} <= set(lines)
    assert "--config.init_from=x" in lines
    assert "--config.data.patch=40" in lines
    assert len(lines) == len(flat_values(load_config("arbedsr:tiny").to_dict()))


def test_help_shows_flags_configs_and_how_to_list_values(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["train", "--help"])
    assert ended.value.code == 0
    said = capsys.readouterr().out
    for word in ("--config NAME[:VARIANT]", "--data DIR", "--workdir DIR", "--print-config", "ablation, arbedsr"):
        assert word in said


def test_wrong_arguments_are_told_before_tensorflow_is_imported():
    """Its import takes seconds, and writes lines of its own."""
    code = "import sys, train; sys.exit(any(n.split('.')[0] in ('tensorflow', 'jax') for n in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
    result = run_command("train.py", "--config=arbedsr:big", "--data=a", "--workdir=b")
    assert result.returncode == 2
    assert result.stderr.startswith("train.py: config variant 'big' is unknown")
    assert len(result.stderr.splitlines()) == 1


def test_missing_flags_are_plain_words(capsys):
    assert main(["train", "--config=arbedsr:tiny"]) == 2
    assert capsys.readouterr().err == "arbsr train: --data and --workdir must be given; --help has the flags\n"


def test_a_workdir_that_cannot_be_written_is_one_line(folder, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ArbsrError, match=r"cannot be written .*; give another --workdir"):
        in_this_process(folder, tmp_path / "file" / "run", ONE_PROGRAM)


def wait_for(text, log, running):
    deadline = time.monotonic() + PATIENCE
    while text not in log.read_text():
        assert running.poll() is None, log.read_text()
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_train_stop_and_resume(folder, tmp_path, number):
    """Ctrl-C and SIGTERM save and end; meanwhile a second run is refused; the next start goes on by itself."""
    run = partial(command, folder, tmp_path, config=ONE_PROGRAM)
    endless = run("--config.steps=100000", "--config.checkpoint_every=100000")
    log = tmp_path / "output"
    with log.open("w") as output:
        running = subprocess.Popen([sys.executable, *map(str, endless)], cwd=ROOT, stdout=output, stderr=output)
        try:
            wait_for("step 20 ", log, running)
            second = run_command(*run()) if number == signal.SIGINT else None
            running.send_signal(number)
            assert running.wait(timeout=PATIENCE) == 128 + number
        finally:
            running.kill()
    if second:
        assert second.returncode == 2
        assert re.search(r"process \d+ is training there", second.stderr.splitlines()[-1])
    said = log.read_text()
    assert "skipped" in said
    assert "broken.png" in said
    assert re.search(r"step 20 loss \d", said)
    assert re.search(r"compiled program 1 of 1 \(.*, \d+\.\d s\)", said)
    assert (", 1 x cpu" in said) == (parallel.cores() == 1)
    step = int(re.search(r"stopped at step (\d+); the same command goes on", said)[1])
    assert [path.name for path in (tmp_path / "checkpoints").iterdir() if path.name.isdigit()] == [str(step)]

    more = run_command(*run(f"--config.steps={step + 2}"))
    assert more.returncode == 0, more.stderr
    assert f"from step {step} to {step + 2}" in more.stdout + more.stderr
    model = read_model_file(tmp_path / "model.safetensors")
    assert (model.name, model.provenance["steps"]) == (tmp_path.name, step + 2)
    follow_advice(more.stdout, "--scale 2")


def follow_advice(printed, *words):
    """Run the command that a run ends with."""
    advice = re.search(r"try: arbsr (.*)", printed)[1]
    assert all(word in advice for word in words)
    assert main(advice.split()) == 0


def in_this_process(folder, workdir, config="arbedsr:debug", **changes):
    """Train with a debug config; returns the parameters."""
    config = load_config(config)
    config.update_from_flattened_dict(changes)
    return jax.tree.leaves(read_model_file(train(TrainConfig.of(config), [str(folder)], workdir)).parameters)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ema": 0.9}, "config.ema=0.0, now it is 0.9"),
        ({"normalized_masks": False}, "config.normalized_masks=True, now it is False"),
        ({"optimizer.backbone_lr_scale": 0.5}, "config.optimizer.backbone_lr_scale=1.0, now it is 0.5"),
        ({"optimizer.hyper_lr_scale": 2.0}, "config.optimizer.hyper_lr_scale=1.0, now it is 2.0"),
    ],
)
def test_a_value_that_checkpoints_depend_on_is_refused_and_nothing_is_renamed(one_step, folder, change, said):
    before = sorted(path.name for path in one_step.rglob("*"))
    with pytest.raises(ArbsrError, match=re.escape(said)):
        in_this_process(folder, one_step, ONE_PROGRAM, steps=2, **change)
    assert sorted(path.name for path in one_step.rglob("*")) == before
    (one_step / "config.json").rename(one_step / "c")  # even if nobody knows what it was
    try:
        if change != {"normalized_masks": False}:  # of a network without masks: its checkpoints are the same
            with pytest.raises(ArbsrError, match=r"checkpoint 1 has .* this config needs"):
                in_this_process(folder, one_step, ONE_PROGRAM, steps=2, **change)
    finally:
        (one_step / "c").rename(one_step / "config.json")
    assert [path.name for path in (one_step / "checkpoints").iterdir() if path.name.isdigit()] == ["1"]
    assert not list(one_step.glob("damaged*"))


@pytest.fixture(scope="module")
def one_step(folder, tmp_path_factory):
    """The workdir of a run of one step."""
    workdir = tmp_path_factory.mktemp("one-step")
    in_this_process(folder, workdir, ONE_PROGRAM, steps=1)
    return workdir


@pytest.mark.parametrize("config", [ONE_PROGRAM, pytest.param("arbedsr:debug", marks=pytest.mark.slow)])
def test_a_resumed_run_ends_bit_for_bit_where_a_straight_one_does(folder, tmp_path, config):
    train_to = partial(in_this_process, folder, config=config, ema=0.9)
    train_to(tmp_path / "resumed", steps=3)
    resumed = train_to(tmp_path / "resumed", steps=6)
    straight = train_to(tmp_path / "straight", steps=6)
    chex.assert_trees_all_equal(resumed, straight)
    with pytest.raises(ArbsrError, match=r"6 steps are done, config\.steps=4; nothing is left to train"):
        train_to(tmp_path / "resumed", steps=4)
    lines = [json.loads(line) for line in (tmp_path / "resumed" / "log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines] == [2, 3, 4, 6]
    assert list((tmp_path / "resumed" / "tensorboard").iterdir())


@pytest.mark.slow
def test_some_steps_are_traced(folder, tmp_path, capsys):
    in_this_process(folder, tmp_path / "run", ONE_PROGRAM, **{"profile": "2:1", "data.accumulate": 2})
    assert f"trace of steps 2 to 2: {tmp_path / 'run' / 'profile'}" in capsys.readouterr().out
    (trace,) = (tmp_path / "run" / "profile").rglob("*.xplane.pb")
    assert trace.stat().st_size > 10_000


def test_a_batch_that_does_not_divide_is_refused(folder, tmp_path):
    with pytest.raises(ArbsrError, match="does not divide among"):
        in_this_process(folder, tmp_path / "run", ONE_PROGRAM, **{"data.accumulate": 3})


def test_what_a_resume_changes_is_said(folder, tmp_path, capsys):
    in_this_process(folder, tmp_path, ONE_PROGRAM, steps=1)
    assert "changed" not in capsys.readouterr().out
    changes = {"steps": 2, "optimizer.learning_rate": 0.01, "seed": 5}
    in_this_process(folder, tmp_path, ONE_PROGRAM, **changes)
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("changed since the last start")]
    assert [line.split(": ", 1)[1] for line in said] == [
        "optimizer.learning_rate: 0.0001 -> 0.01",
        "seed: 0 -> 5",
        "steps: 1 -> 2",
    ]


def test_a_run_that_diverges_stops_and_keeps_its_last_good_parameters(folder, tmp_path):
    changes = {"optimizer.learning_rate": float("inf"), "max_skipped": 2, "steps": 9}
    with pytest.raises(ArbsrError, match="not finite 2 times in a row; lower"):
        in_this_process(folder, tmp_path, ONE_PROGRAM, **changes)


def test_validation_keeps_the_best_model(folder, tmp_path):
    changes = {"validation.folders": str(folder), "validation.scales": "2", "validation.every": 2, "steps": 4}
    in_this_process(folder, tmp_path, ONE_PROGRAM, **changes)
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    scores = [value for line in lines for name, value in line.items() if name.startswith("psnr/")]
    assert len(scores) == 2
    best = read_model_file(tmp_path / "best.safetensors").provenance
    assert best["validation_psnr"] == pytest.approx(max(scores))
    evaluated, rows = evaluate(tmp_path / "best.safetensors", folder, "2")
    assert evaluated.returncode == 1, evaluated.stderr  # broken.png
    assert rows[0]["images"] == 2
    assert rows[0]["psnr"] == pytest.approx(max(scores), abs=1e-3)


def test_a_workdir_of_another_network_is_refused(folder, tmp_path):
    in_this_process(folder, tmp_path, ONE_PROGRAM, steps=1)
    with pytest.raises(ArbsrError, match=r"another config\.model\.channels"):
        in_this_process(folder, tmp_path, ONE_PROGRAM, **{"steps": 1, "model.channels": 12})


@pytest.mark.parametrize("name", [*CONFIGS, "rdn:x4", "meta:edsr"])
def test_every_config_can_be_built_and_shrunk(name):
    config, small = load_config(name), load_config(f"{name}{'-' if ':' in name else ':'}debug")
    assert config.steps > 1000
    assert small.steps < 10
    assert small.model.backbone == config.model.backbone


@pytest.mark.slow
@pytest.mark.parametrize("name", CONFIGS)
def test_every_config_trains_resumes_evaluates(folder, tmp_path, name, capsys):
    """The first by the commands as they are typed; the others in this process, which saves a minute each."""
    config = f"{name}{'-' if ':' in name else ':'}debug"
    in_this_process(folder, tmp_path, config, steps=2)
    typed = name == CONFIGS[0]
    if typed:
        result = run_command(*command(folder, tmp_path, "--config.steps=4", config=config))
        assert result.returncode == 0, result.stderr
    else:
        in_this_process(folder, tmp_path, config, steps=4)
    file = tmp_path / "model.safetensors"
    model = read_model_file(file)
    assert model.provenance["steps"] == 4
    scale = str(model.config.scale or "1.7x2.3")
    if typed:
        follow_advice(result.stdout, "--scale 3")
        evaluated, rows = evaluate(file, folder, scale)
        assert evaluated.returncode == 1, evaluated.stderr  # broken.png
    else:
        scores = tmp_path / "scores.json"
        words = ["--model", str(file), "--data", str(folder), "--scale", scale, "--json", str(scores)]
        assert main(["evaluate", *words]) == 1  # broken.png
        rows = json.loads(scores.read_text())["rows"]
    assert rows[0]["images"] == 2


@pytest.mark.slow
def test_killed_runs_and_flipped_bits_are_counted(folder, tmp_path):
    """The counts of docs/training.md, of fewer kills and flips."""
    few = "--kills", 1, "--flips", 1
    result = run_command("-m", "benchmarks.reliability", "--data", folder, "--workdir", tmp_path / "runs", *few)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "the parameters are equal to" in result.stdout
    assert ", 0 silently wrong" in result.stdout


def test_a_users_mistake_is_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(parallel, "share_cores", lambda batch: None)  # too late in this process
    flags = ["train", "--config=arbedsr:debug", f"--data={tmp_path / 'nowhere'}", f"--workdir={tmp_path / 'run'}"]
    assert main(flags) == 2
    error = capsys.readouterr().err
    assert error.startswith("arbsr train: ")
    assert "no such folder" in error
    assert error.count("\n") == 1


def test_the_first_ctrl_c_asks_and_the_second_ends_at_once(capsys):
    handler = signal.getsignal(signal.SIGINT)
    with StopRequest() as stop:
        assert not stop.after(1)
        signal.raise_signal(signal.SIGINT)
        assert stop.after(2)
        assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL
    assert capsys.readouterr().err == "stopping after this step; Ctrl-C again ends at once, unsaved\n"
    assert signal.getsignal(signal.SIGINT) == handler
    assert (str(Preempted(7, signal.SIGINT)), Preempted(7, signal.SIGINT).exit_code) == ("stopped at step 7", 130)
