import math
from fractions import Fraction

import numpy as np
import pytest

from arbsr_jax import ArbsrError
from arbsr_jax.imaging.grid import axis_phases, make_grid
from arbsr_jax.imaging.scale import Scale, round_half_up

HUNDREDTHS = [Fraction(n, 100) for n in range(101, 801)]


def ratios(count: int) -> list[Fraction]:
    rng = np.random.default_rng(7)
    inputs = rng.integers(20, 2000, count)
    return [Fraction(int(rng.integers(n, 8 * n + 1)), int(n)) for n in inputs]


def assert_phases_are_exact(factor: Fraction, length: int):
    """Against Eq. 4 and 5 pixel by pixel, in whole numbers of 1/2p: C(0) = (q - p) / 2p, and every step is 2q / 2p."""
    p, q = factor.as_integer_ratio()
    positions = range(q - p, q - p + 2 * q * length, 2 * q)
    nearest = [(position + p) // (2 * p) for position in positions]
    # Python's quotient of whole numbers is correctly rounded, and so is numpy's float32 of it for these sizes.
    remainders = [(c - 2 * p * n) / (2 * p) for c, n in zip(positions, nearest, strict=True)]
    base, phase, relative = axis_phases(factor, length)
    np.testing.assert_array_equal(base, nearest)
    np.testing.assert_array_equal(relative[phase], np.array(remainders, np.float32))


@pytest.mark.parametrize("start", range(0, 700, 100))
def test_phases_of_all_hundredths_equal_exact_fractions(start):
    for factor in HUNDREDTHS[start : start + 100]:
        assert_phases_are_exact(factor, 5000)


def test_phases_of_random_output_to_input_ratios_equal_exact_fractions():
    for factor in ratios(200):
        assert_phases_are_exact(factor, 5000)


@pytest.mark.parametrize(("text", "shared"), [("2.37", True), ("4", True), ("8/3", True), ("2.3701", False)])
def test_parts_of_an_axis_share_a_table_of_all_its_phases(text, shared):
    """Up to 256 phases; positions are those of the whole axis either way."""
    factor = Fraction(text)
    whole, tables = axis_phases(factor, 1000), []
    for start, length in ((0, 256), (254, 256), (900, 100)):
        base, phase, relative = axis_phases(factor, length, start, origin=7, table_limit=256)
        part = slice(start, start + length)
        np.testing.assert_array_equal(base + 7, whole.base[part])
        np.testing.assert_array_equal(relative[phase], whole.relative[whole.phase[part]])
        tables.append(relative.tobytes())
    assert (len(set(tables)) == 1) == shared


def test_phase_count_is_the_numerator():
    assert axis_phases(Fraction("2.5"), 100).relative.size == 5
    assert axis_phases(Fraction("3.5"), 100).relative.size == 7
    assert axis_phases(Fraction(237, 100), 100).relative.size == 100


def test_scale_two_has_the_quarters():
    base, phase, relative = axis_phases(Fraction(2), 4)
    assert base.tolist() == [0, 0, 1, 1]
    assert relative[phase].tolist() == [-0.25, 0.25, -0.25, 0.25]


def test_command_line_order_is_horizontal_by_vertical():
    scale = Scale.of("2.5x3.5")
    assert (scale.horizontal, scale.vertical) == (Fraction(5, 2), Fraction(7, 2))
    assert scale.output_size(height=203, width=301) == (711, 753)  # 710.5 and 752.5, halves upwards
    assert scale.in_words == "x2.5 horizontally, x3.5 vertically"
    assert str(scale) == "2.5x3.5"


@pytest.mark.parametrize(
    ("value", "horizontal", "vertical"),
    [
        ("2", 2, 2),
        (2.3, Fraction(23, 10), Fraction(23, 10)),
        ((1.5, 4), Fraction(3, 2), 4),
        ("7/3x1.50", Fraction(7, 3), Fraction(3, 2)),
        (np.float32(2.5), Fraction(5, 2), Fraction(5, 2)),
        ("1x8", 1, 8),
    ],
)
def test_scales_are_read_exactly(value, horizontal, vertical):
    assert Scale.of(value) == Scale(vertical=Fraction(vertical), horizontal=Fraction(horizontal))


@pytest.mark.parametrize(
    "value",
    ["0", "-2", "nan", "inf", "2.5x", "x2", "axb", "100", "", "2x3x4", "1e1", "0.99", "8.01", "1/0", "２x3"]  # noqa: RUF005
    + [0, -1.0, 10, math.nan, math.inf, None, (2, 2, 2), []],
)
def test_wrong_scales_are_refused_in_one_line(value):
    with pytest.raises(ArbsrError) as caught:
        Scale.of(value)
    message = str(caught.value)
    assert "\n" not in message
    assert "from 1 to 8" in message


def test_rounding_takes_halves_up():
    assert [round_half_up(Fraction(n, 2)) for n in (1, 3, 5, 4)] == [1, 2, 3, 2]


def test_scales_with_one_canvas_share_array_shapes():
    shapes = set()
    for text in ("2.4", "2.5", "2.37", "3"):
        grid = make_grid(Scale.of(text), Scale.of(text).output_size(20, 30), canvas=(60, 90))
        shapes.add((grid.canvas, grid.rows.relative.shape == grid.rows.relative.shape, grid.rows.phase.shape))
    assert len(shapes) == 1
    few, many = (make_grid(Scale.of(text), (90, 90)).rows.relative.size for text in ("2.5", "3.5"))
    assert few == many


def test_a_canvas_below_the_size_is_refused():
    with pytest.raises(ValueError, match="canvas"):
        make_grid(Scale.of(2), (10, 10), canvas=(10, 9))
