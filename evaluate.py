"""Score a model at any pair of scale factors.

    python evaluate.py --scale 2.5x3.5
    python evaluate.py --model MODEL.safetensors --data DIR --scale 2 3 4 --json scores.json --out pictures/

Exit codes: 0 done; 1 some image failed, the rest is done; 2 wrong usage.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from tqdm import tqdm

from arbsr_jax import ArbsrError, load_model, parallel
from arbsr_jax.cli.exit_codes import DONE, SOME_FAILED, WRONG_USAGE
from arbsr_jax.data.benchmarks import Dataset, open_dataset, sample_photographs
from arbsr_jax.evaluation import report
from arbsr_jax.evaluation.pictures import save_pictures
from arbsr_jax.evaluation.protocols import PROTOCOLS
from arbsr_jax.evaluation.sweeps import Scored, evaluate
from arbsr_jax.ops.geometry import Scale


def parse_arguments(arguments: list[str] | None = None) -> argparse.Namespace:
    """The flags."""
    parser = argparse.ArgumentParser(description="Score a model at any pair of scale factors.")
    parser.add_argument("--model", default="arbedsr-tiny", help="a .safetensors file or the name of a shipped model")
    parser.add_argument(
        "--data",
        type=Path,
        nargs="+",
        action="extend",
        metavar="DIR",
        help="folders of HR images, or dataset folders holding HR/ (default: scikit-image's photographs)",
    )
    parser.add_argument(
        "--scale",
        nargs="+",
        action="extend",
        metavar="S",
        required=True,
        help="factors from 1 to 8: 2.5, or 2.5x3.5 for horizontal x vertical (width x height)",
    )
    parser.add_argument("--protocol", choices=sorted(PROTOCOLS), default="standard", help="how LR is made from HR")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there")
    parser.add_argument("--out", type=Path, metavar="DIR", help="save super-resolved and side-by-side pictures there")
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Evaluate as the flags say; returns the exit code."""
    flags = parse_arguments(arguments)
    parallel.compilation_cache()
    try:
        scales = [Scale.of(text) for text in flags.scale]
        datasets = [open_dataset(folder) for folder in flags.data] if flags.data else [sample_photographs()]
        upscaler = load_model(flags.model)
    except ArbsrError as error:
        print(f"evaluate.py: {error}", file=sys.stderr)
        return WRONG_USAGE

    print(f"model {upscaler.model.name}, protocol {flags.protocol}: Y channel, ceil(scale) border pixels left out")
    for scale in scales:
        print(f"scale {scale}: {scale.in_words}")
    print(report.header_line(), flush=True)

    failures = []
    total = len(scales) * sum(len(dataset.images) for dataset in datasets)
    with tqdm(total=total, unit="image", leave=False, disable=None) as progress:

        def on_image(dataset: Dataset, scale: Scale, scored: Scored) -> None:
            if flags.out:
                save_pictures(flags.out / dataset.name / str(scale), scored, scale, flags.protocol)
            progress.update()

        def on_failure(line: str) -> None:
            failures.append(line)
            progress.write(f"evaluate.py: skipped {line}", file=sys.stderr)
            progress.update()

        rows = []
        for row in evaluate(upscaler, datasets, scales, flags.protocol, on_image=on_image, on_failure=on_failure):
            rows.append(row)
            progress.write(report.row_line(row), file=sys.stdout)
            if flags.json:
                report.write_json(flags.json, upscaler.model.name, flags.protocol, rows)
    print(f"{upscaler.programs} programs compiled in {upscaler.compile_seconds:.1f} s, not counted in s/image")
    return SOME_FAILED if failures else DONE


if __name__ == "__main__":
    sys.exit(main())
