"""Tables whose rows are those of one CSV file: speed, memory, sizes, and what is done to pictures."""

from __future__ import annotations

from collections.abc import Callable

from arbsr_jax.imaging.scale import Scale
from benchmarks import record
from benchmarks.table_list import Table, columns, listed

STRENGTHS = ("0", "0.25", "0.5", "0.75", "1", "auto")  # of `--restore`


@listed
def inference() -> Table:
    """Upscaling one image."""
    number = {"ms": "ms", "new scale ms": "new_scale_ms", "MiB": "peak_mb", "fixed ms": "fixed_ms"}
    number |= {"fixed MiB": "fixed_peak_mb", "PyTorch ms": "torch_ms"}
    ratio = {"to fixed": "ratio_to_fixed", "to PyTorch": "ratio_to_torch", "to x4 or x2.37": "ratio_to_beside"}
    fields = {"model": ("model", ""), "scale": ("scale", "")} | {k: (v, ",.0f") for k, v in number.items()}
    return columns("inference", fields | {k: (v, ".2f") for k, v in ratio.items()}, size="100x100")


@listed
def field() -> Table:
    """Field upsampling beside the paper's."""
    fields = {"model": ("model", ""), "scale": ("scale", "")}
    for part in ("encode", "decode"):
        for kind in ("paper", "field"):
            fields[f"{kind}: {part}, ms"] = f"{kind}_{part}_ms", ",.0f"
    return columns("field", fields | {k: (f"{k}_ratio", ".2f") for k in ("decode", "whole")})


@listed
def grid() -> Table:
    """Steps across the lines of the LR grid."""
    places = {"between the areas of LR pixels": ("borders", ".2f"), "at their centres": ("centres", ".2f")}
    return columns("grid", {"method": ("method", ""), **places})


@listed
def restoration() -> Table:
    """Gain over bicubic interpolation on damaged photographs, by method."""
    return _by_method(lambda row: f"{float(row['psnr']) - float(row['bicubic']):+.2f}")


@listed
def restoration_distance() -> Table:
    """Distance of results from the damaged LR images, by method."""
    return _by_method(lambda row: f"{float(row['distance']):.2f}")


def _by_method(shown: Callable[[dict[str, str]], str]) -> Table:
    rows = record.read("restoration")
    others = sorted({row["method"] for row in rows} - {"bicubic", *STRENGTHS})
    cells = {(row["protocol"], row["scale"], row["method"]): row for row in rows}
    table = [["protocol", "scale", "bicubic, dB", *(f"restore {name}" for name in STRENGTHS), *others]]
    for place in dict.fromkeys((row["protocol"], row["scale"]) for row in rows):
        found = [cells.get((*place, name)) for name in ("bicubic", *STRENGTHS, *others)]
        bicubic = f"{float(found[0]['psnr']):.2f}" if found[0] else "-"
        table.append([*place, bicubic, *(shown(row) if row else "-" for row in found[1:])])
    return table


@listed
def flicker() -> Table:
    """Mean difference of successive frames of a still scene."""
    names = ("bicubic", "restore 0", "restore 0.5", "restore 1")
    return columns("flicker", {"film": ("film", ""), **{name: (name, ".2f") for name in names}})


@listed
def cluster() -> Table:
    """Many pictures by one process and by a cluster."""
    return columns("cluster", {"engine": ("engine", ""), "pictures": ("pictures", ""), "seconds": ("seconds", ".1f")})


@listed
def starts() -> Table:
    """Seconds of whole commands, and what the second start of `arbsr upscale` is made of."""
    fields = {"command": ("command", ""), "model": ("model", "")}
    stages = ("first", "second", "imports", "network", "programs", "computing")
    return columns("starts", fields | {f"{name}, s": (f"{name}_s", ".1f") for name in stages})


@listed
def inference_large() -> Table:
    """Whole images of 640x360 beside PyTorch."""
    number = {"ms": "ms", "PyTorch ms": "torch_ms", "PyTorch in bfloat16, ms": "torch_bfloat16_ms"}
    ratio = {"to PyTorch": "ratio_to_torch", "to PyTorch in bfloat16": "ratio_to_torch_bfloat16"}
    fields = {"model": ("model", ""), "scale": ("scale", ""), "machine": ("machine", "")}
    fields |= {k: (v, ",.0f") for k, v in number.items()} | {k: (v, ".2f") for k, v in ratio.items()}
    return columns("inference", fields, size="640x360")


@listed
def bfloat16() -> Table:
    """What bfloat16 costs."""
    fields = {"model": ("model", ""), "dataset": ("dataset", ""), "scale": ("scale", "")}
    numbers = {"float32, dB": ("float32", ".3f"), "bfloat16, dB": ("bfloat16", ".3f")}
    return columns("precision", fields | numbers | {"difference": ("difference", "+.3f")})


@listed
def onnx_files() -> Table:
    """ONNX files beside JAX."""
    fields = {"model": ("model", ""), "LR": ("size", ""), "scale": ("scale", ""), "difference": ("difference", ".5f")}
    fields |= {"onnxruntime, s": ("onnx_s", ".3f"), "JAX, s": ("jax_s", ".3f")}
    fields |= {"file, MB": ("file_mb", ".1f"), "float16, MB": ("float16_mb", ".1f")}
    return columns("onnx_files", fields)


@listed
def consistent() -> Table:
    """Results with and without projection."""
    fields = {"model": ("model", ""), "scale": ("scale", "")}
    fields |= {"PSNR, dB": ("plain_psnr", ".2f"), "projected, dB": ("projected_psnr", ".2f")}
    fields |= {"mean distance": ("plain_mean", ".2f"), "largest": ("plain_largest", ".1f")}
    fields |= {"projected: mean": ("projected_mean", ".2f"), "projected: largest": ("projected_largest", ".1f")}
    return columns("consistent", fields)


@listed
def page() -> Table:
    """The page in the browser."""
    fields = {name: (name, "") for name in ("model", "picture", "factor", "threads")}
    sizes = {"page": "page_mb", "runtime": "runtime_mb", "for WebGPU": "webgpu_mb", "network": "model_mb"}
    fields |= {name: (field, ".2f") for name, field in sizes.items()}
    return columns("page", fields | {"ready, s": ("ready_s", ".2f"), "first result, s": ("result_s", ".2f")})


@listed
def devices() -> Table:
    """Numbers of CPU devices."""
    fields = {"model": ("model", ""), "image": ("size", ""), "scale": ("scale", "")}
    return columns("devices", fields | {"CPU devices": ("devices", ""), "s": ("seconds", ".2f")})


@listed
def films() -> Table:
    """Films beside the bare network."""
    fields = {"model": ("model", ""), "film": ("film", ""), "scale": ("scale", "")}
    fields |= {"ms a frame": ("frame_ms", ".0f"), "network alone, ms": ("network_ms", ".0f"), "ratio": ("ratio", ".2f")}
    return columns("films", fields)


@listed
def convolution_two_cores() -> Table:
    """3x3 convs by implementation."""
    return _convolution("2")


@listed
def convolution_one_core() -> Table:
    """3x3 convs by implementation."""
    return _convolution("1")


def _convolution(cores: str) -> Table:
    names = ["blocks", "at once", "XLA", "gradient, blocks", "gradient, at once", "PyTorch"]
    ratios = ["blocks to at once", "gradient, blocks to at once"]
    fields = {"images": ("images", "")} | {n: (n, ".1f") for n in names} | {n: (n, ".2f") for n in ratios}
    return columns("convolution", fields, cores=cores)


@listed
def thin_convolution() -> Table:
    """What is too thin for Winograd, and sums."""
    fields = {"layer": ("layer", ""), "implementation": ("implementation", ""), "cores": ("cores", "")}
    return columns("thin_convolution", fields | {"ms": ("ms", ".2f")})


@listed
def compiling() -> Table:
    """Seconds before the first image."""
    fields = {"model": ("model", ""), "programs": ("programs", "")}
    seconds = {"fresh parameters, s": "fresh_s", "compiled in, s": "compiled_s"}
    seconds |= {"later: fresh parameters, s": "later_fresh_s", "found in, s": "found_s"}
    return columns("compiling", fields | {k: (v, ".1f") for k, v in seconds.items()})


@listed
def large_images() -> Table:
    """Time and memory against size."""
    fields = {"LR": ("lr", ""), "HR": ("hr", ""), "Mpx": ("megapixels", ".1f"), "s": ("seconds", ".1f")}
    fields |= {"s/Mpx": ("seconds_per_megapixel", ".2f"), "peak MiB": ("peak_mb", ".0f")}
    fields |= {"grew by MiB": ("grew_mb", ".0f"), "HR MiB": ("result_mb", ".0f"), "programs": ("programs", "")}
    return columns("large_images", fields)


@listed
def plans() -> Table:
    """The default plan beside whole images and the version before."""
    fields = {"model": ("model", ""), "image": ("size", ""), "scale": ("scale", "")}
    seconds = {"s": "default_s", "untiled, s": "untiled_s", "version before, s": "before_s"}
    ratios = {"to untiled": "to_untiled", "to before": "to_before", "s/Mpx to 512x512": "per_pixel_to_crop"}
    return columns("plans", fields | {k: (v, ".2f") for k, v in (seconds | ratios).items()})


@listed
def how_long() -> Table:
    """Seconds for a photograph."""
    table = [["photograph", "by", "result, Mpx", "model", "seconds"]]
    for row in sorted(record.read("plans"), key=lambda row: float(row["default_s"])):
        width, height = map(int, row["size"].split("x"))
        size = Scale.of(row["scale"]).output_size(height, width)
        pixels = f"{size.height * size.width / 1e6:.1f}"
        table.append([row["size"], row["scale"], pixels, row["model"], f"{float(row['default_s']):.1f}"])
    return table


@listed
def roofline() -> Table:
    """What programs compute and move, and the time that a machine's peaks allow."""
    fields = {"model": ("model", ""), "scale": ("scale", ""), "image": ("size", ""), "precision": ("precision", "")}
    fields |= {"device": ("device", ""), "program": ("program", "")}
    numbers = {"GFLOP": "gflop", "MB": "megabytes", "ms at the peaks": "peak_ms", "ms": "ms", "share": "share"}
    return columns("roofline", fields | {k: (v, ",.2f" if v == "share" else ",.0f") for k, v in numbers.items()})


@listed
def files() -> Table:
    """Reading and writing, beside the version before."""
    fields = {"file": ("file", ""), "": ("what", "")}
    return columns("files", fields | {"s": ("here_s", ".2f"), "version before, s": ("there_s", ".2f")})
