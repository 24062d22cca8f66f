import numpy as np
from PIL import Image

from arbsr_jax.cli.main import main


def test_scale_size_and_a_bad_file(tmp_path, photograph, capsys):
    Image.fromarray(photograph[:21, :31]).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_text("no image")
    out = tmp_path / "out"
    assert main(["upscale", str(tmp_path), "-o", str(out), "--scale", "2.5x3.5"]) == 1
    assert np.asarray(Image.open(out / "a.png")).shape == (74, 78, 3)
    printed = capsys.readouterr()
    assert "b.png" in printed.err
    assert "31x21" in printed.out
    assert "78x74" in printed.out

    assert main(["upscale", str(tmp_path / "a.png"), "-o", str(out), "--size", "100x50"]) == 0
    assert Image.open(out / "a.png").size == (100, 50)


def test_wrong_flags_are_one_line(tmp_path, capsys):
    for wrong in (["--scale", "2.5x"], ["--size", "1920"], ["--scale", "2", "--model", "none"]):
        assert main(["upscale", str(tmp_path / "a.png"), "-o", str(tmp_path), *wrong]) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
