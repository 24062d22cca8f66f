import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def write(folder, name, psnr):
    row = {"scale_h": 4.0, "scale_v": 4.0, "psnr": psnr, "ssim": psnr / 100, "bicubic_psnr": 28.0, "bicubic_ssim": 0.8}
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps({"rows": [row]}))


def test_seeds_become_means_and_paired_differences(tmp_path):
    """Seeds 1 dB apart, and row 2 always 0.5 above row 1: its spread must not hide that."""
    folders = [tmp_path / "seed0", tmp_path / "seed1"]
    for seed, folder in enumerate(folders):
        for name in ("x2", "x3", "x4", "row1", "row2", "row3", "row4", "row5"):
            write(folder, name, 30 + seed + (0.5 if name == "row2" else 0))
    command = [sys.executable, ROOT / "recipes" / "seeds_page.py", *folders]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT).stdout.splitlines()
    scores, differences = (next(line for line in part if line.startswith("| x4")) for part in (lines[:4], lines[4:]))
    assert "| 28.00 |" in scores
    assert "| 30.50 ± 0.71 |" in scores
    assert "| 31.00 ± 0.71 |" in scores
    assert differences.startswith("| x4 | +0.50 ± 0.00 / +0.0050 ± 0.0000 | -0.50 ± 0.00 /")
