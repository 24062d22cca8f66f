"""`arbsr figures`, and what is drawn."""

import json

import numpy as np
import pytest
from PIL import Image

from arbsr_jax.analysis.features import Encoded, discrepancy, encode_for_scales
from arbsr_jax.analysis.figures import sampled_features
from arbsr_jax.analysis.mask_statistics import inside_of, of_image, report, table
from arbsr_jax.cli.main import main
from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.model_file import Model
from arbsr_jax.models.config import scale_specific
from tests.models.fixtures import SMALL, randomized

SCALES = [Scale.of(2), Scale.of(3)]


@pytest.fixture
def images(tmp_path):
    import skimage.data

    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(2):
        Image.fromarray(skimage.data.astronaut()[80 * number :][:180, 120:280]).save(folder / f"{number}.png")
    return folder


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("scales", "masks", "heatmap")]


@pytest.mark.parametrize("name", ["crops", *SLOW])
def test_every_figure_is_drawn(name, images, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("arbsr_jax.analysis.figures.TSNE_POINTS", 40)  # t-SNE of all takes a quarter of a minute
    target = tmp_path / "figures" / name
    assert (
        main(["figures", name, "--model", "arbedsr-tiny", "--data", str(images), "--limit", "1", "-o", str(target)])
        == 0
    )
    assert f"{name}.pdf" in capsys.readouterr().out
    assert np.asarray(Image.open(target.with_suffix(".png")).convert("L")).std() > 5
    assert target.with_suffix(".pdf").read_bytes().startswith(b"%PDF")


def test_statistics_of_masks_by_hand():
    """A mask that follows the discrepancy inside the image, and is saturated at its rim."""
    height, width = 40, 36
    yy, xx = np.mgrid[:height, :width]
    differing = (yy + 2.0 * xx)[..., None]
    mask = np.where(inside_of((height, width)), 0.3 + 0.001 * differing[..., 0] ** 2 / 20, 0.0)
    encoded = {scale: Encoded([sign * differing], [mask]) for scale, sign in zip(SCALES, (0, 1), strict=True)}
    (row,) = report([of_image(encoded)] * 2)
    inside = mask[8:-8, 8:-8]
    assert row["inside"]["mean"] == pytest.approx(inside.mean())
    assert (row["inside"]["below"], row["inside"]["above"]) == (0, np.mean(inside > 0.99))
    assert row["inside"]["rank_correlation"] == pytest.approx(1)
    assert (row["rim"]["mean"], row["rim"]["below"]) == (0, 1)
    assert np.isnan(row["rim"]["rank_correlation"])
    assert len(table([row])) == 3


@pytest.mark.slow
def test_masks_are_reported_as_json(images, tmp_path, capsys):
    target = tmp_path / "masks.json"
    flags = ["--model", "arbedsr-tiny", "--data", str(images), "--json", str(target), "-o", str(tmp_path / "masks")]
    assert main(["figures", "masks", *flags]) == 0
    content = json.loads(target.read_text())
    assert (content["model"], content["images"], len(content["places"])) == ("arbedsr-tiny", 2, 4)
    assert all(0 <= place["inside"]["mean"] <= 1 for place in content["places"])
    assert "rank corr." in capsys.readouterr().out
    assert main(["figures", "crops", "--json", str(target), "-o", str(tmp_path / "x")]) == 2
    assert "--json belongs to `masks`" in capsys.readouterr().err


def test_one_bad_image_is_named_and_the_rest_drawn(images, tmp_path, capsys):
    (images / "bad.png").write_bytes(b"no picture")
    assert (
        main(
            [
                "figures",
                "crops",
                "--model",
                "arbedsr-tiny",
                "--data",
                str(images),
                "--box",
                "150,9",
                "-o",
                str(tmp_path / "x"),
            ]
        )
        == 1
    )
    assert "bad.png" in capsys.readouterr().err


@pytest.mark.parametrize(("flag", "value"), [("--box", "here"), ("--scale", "9"), ("--data", "nowhere")])
def test_a_users_mistake_is_one_line(flag, value, tmp_path, capsys):
    assert main(["figures", "crops", flag, value, "-o", str(tmp_path / "x")]) == 2
    assert value in capsys.readouterr().err


def test_discrepancy_by_hand():
    """Two scales, one pixel equal, one pixel apart by 2 in each of two channels; |F| is 1 1 1 1 and 1 1 3 3."""
    first = Encoded([np.ones((1, 2, 2))], [])
    second = Encoded([np.array([[[1.0, 1.0], [3.0, 3.0]]])], [])
    np.testing.assert_allclose(discrepancy(dict(zip(SCALES, (first, second), strict=True)), 0), [[0, 2 / 1.5]])


def test_features_of_the_same_pixels_are_sampled_for_every_scale(rng):
    features = rng.normal(size=(9, 7, 3))
    encoded = [{SCALES[0]: Encoded([features], []), SCALES[1]: Encoded([features + 100], [])}]
    points, labels = sampled_features(encoded, 0)
    assert labels.tolist() == ["2"] * 63 + ["3"] * 63
    np.testing.assert_allclose(points[63:], points[:63] + 100)


def test_scale_specific_networks_stand_for_their_scales(photograph):
    models = [
        Model(f"x{s}", scale_specific(SMALL, s), randomized(scale_specific(SMALL, s), seed=s), {}) for s in (2, 3)
    ]
    encoded = encode_for_scales(models, photograph, SCALES)
    assert list(encoded) == SCALES
    assert discrepancy(encoded, 0).shape == photograph.shape[:2]
    with pytest.raises(ArbsrError, match="missing"):
        encode_for_scales(models[:1], photograph, SCALES)
