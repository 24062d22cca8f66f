"""Put a trained model into the package, with its licence, notices and scores in its metadata.

    python recipes/ship.py runs/asymmetric/model.safetensors arbedsr-baseline --scores scores.json \
        --licence Apache-2.0 [--notice FILE] [--note TEXT]

scores.json is what `python evaluate.py --model MODEL --json scores.json` wrote. Folders of this machine are taken out
of the config that the file remembers; names of files stay.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from arbsr_jax.cli.models import describe
from arbsr_jax.dial import RESTORES
from arbsr_jax.imaging.scale import Scale
from arbsr_jax.model_file import SUFFIX, read_model_file, save_model, shipped_models


def without_folders(value: Any) -> Any:
    """Paths as the last two parts of them, also in lists and mappings."""
    if isinstance(value, dict):
        return {key: without_folders(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_folders(inner) for inner in value]
    return "/".join(Path(value).parts[-2:]) if isinstance(value, str) and value.startswith("/") else value


def main() -> None:
    """Write the file and print what it says of itself."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("name")
    parser.add_argument("--scores", type=Path, required=True)
    parser.add_argument("--licence", required=True)
    parser.add_argument("--notice", type=Path, help="text that must stay with the weights")
    parser.add_argument("--note")
    parser.add_argument("--restores", metavar="NAME", help="the shipped model whose restoring one it is")
    parser.add_argument("--half", action="store_true", help="store float16, if its scores stay within 0.002 dB")
    flags = parser.parse_args()
    model, scores = read_model_file(flags.model), json.loads(flags.scores.read_text())
    rows = [
        {"dataset": r["dataset"], "scale": str(Scale.of((r["scale_h"], r["scale_v"]))), "psnr": round(r["psnr"], 3)}
        for r in scores["rows"]
    ]
    more = {"name": flags.name, "licence": flags.licence, "scores": {"protocol": scores["protocol"], "rows": rows}}
    more |= {"notice": " ".join(flags.notice.read_text().split())} if flags.notice else {}
    more |= {"note": flags.note} if flags.note else {}
    more |= {RESTORES: flags.restores} if flags.restores else {}
    target = next(iter(shipped_models().values())).parent / f"{flags.name}{SUFFIX}"
    save_model(target, model.config, model.parameters, {**without_folders(model.provenance), **more}, half=flags.half)
    print("\n".join(describe(flags.name, target)))


if __name__ == "__main__":
    main()
