import json

import pytest

import evaluate
from arbsr_jax.cli.main import main
from tests.conftest import real_data

OF_TABLE_2 = (
    *("bicubic", "EDSR", "RCAN", "ArbEDSR", "ArbRCAN", "SRCNN", "VDSR", "LapSRN", "MemNet", "SRMD", "CARN", "MSRN"),
    *("DBPN", "RDN", "Meta-RDN"),
)


@pytest.fixture
def files(tmp_path):
    """Scores of bicubic interpolation as if of two models, of one image at two scales."""
    paths = []
    for name in ("one", "two"):
        path = tmp_path / f"{name}.json"
        data = str(real_data("benchmark", "Set5"))
        flags = ["--model", "bicubic", "--data", data, "--limit", "1", "--scale", "2", "2.5x3.5", "--json", str(path)]
        assert evaluate.main(flags) == 0
        path.write_text(json.dumps({**json.loads(path.read_text()), "model": name}))
        paths.append(path)
    return paths


def test_models_stand_below_each_other(files, tmp_path, capsys):
    target = tmp_path / "tables" / "t.md"
    capsys.readouterr()
    assert main(["report", *map(str, files), "--against", "two", "--markdown", str(target)]) == 0
    assert capsys.readouterr().out == target.read_text()
    lines = target.read_text().splitlines()[2:]
    assert lines[0] == "| model | Set5 x2 | Set5 x2.5x3.5 | Set5 mean of 2 |"
    published = ["| bicubic (EDSR, Table 3)", "| EDSR (EDSR, Table 3)"]
    published += [f"| {name} (ArbSR, Table 2)" for name in OF_TABLE_2]
    differences = [f"| bicubic - bicubic ({paper})" for paper in ("EDSR, Table 3", "ArbSR, Table 2")]
    differences += ["| bicubic - two", "| one - two"]
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| bicubic", "| one", "| two", *published, *differences]
    assert lines[6].split(" | ")[1:] == ["38.11 / 0.9601", "-", "- |"]
    assert lines[-1].split(" | ")[1:] == ["+0.00 / +0.0000"] * 2 + ["+0.00 / +0.0000 |"]
    assert lines[2].split(" | ")[1:] == lines[3].split(" | ")[1:]
    row = json.loads(files[0].read_text())["rows"][1]
    assert lines[3].split(" | ")[2] == f"{row['psnr']:.2f} / {row['ssim']:.4f}"


def test_protocols_are_not_mixed_and_other_files_named(files, tmp_path, capsys):
    files[1].write_text(json.dumps({**json.loads(files[1].read_text()), "protocol": "arbsr"}))
    assert main(["report", *map(str, files)]) == 2
    assert "must not be compared" in capsys.readouterr().err
    assert main(["report", str(files[0]), "--against", "three"]) == 2
    assert "there are: bicubic, one" in capsys.readouterr().err
    (tmp_path / "x.json").write_text("[]")
    for bad in ("x.json", "none.json"):
        assert main(["report", str(tmp_path / bad)]) == 2
        assert bad in capsys.readouterr().err
