"""`arbsr convert FILE.pt -o MODEL.safetensors`, and back."""

from __future__ import annotations

import argparse
import hashlib
import importlib
from pathlib import Path
from types import ModuleType

from arbsr_jax.cli.conventions import DONE, check_ending
from arbsr_jax.convert import ARCHITECTURES
from arbsr_jax.errors import ArbsrError, missing_extra
from arbsr_jax.models.config import ModelConfig

TORCH_ENDINGS: dict[str, str] = dict.fromkeys((".pt", ".pth", ".ckpt"), "PyTorch weights")


def add_flags(parser: argparse.ArgumentParser) -> None:
    """The flags of the command."""
    parser.add_argument("input", type=Path, metavar="IN", help="a PyTorch file, or a model file to go back")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT", help="the file to write")
    parser.add_argument("--arch", choices=ARCHITECTURES, help="instead of what the keys say")
    parser.add_argument("--scale", type=int, choices=(2, 3, 4, 8), help="instead of what the shapes say")
    parser.add_argument(
        "--res-scale", type=float, help="of EDSR, no file holds it (default: 0.1 of the full size, else 1)"
    )


def run(flags: argparse.Namespace) -> int:
    """Convert one file.

    Raises:
      ArbsrError: the file cannot be read or does not fit; or PyTorch is not installed.
    """
    from arbsr_jax.convert.architecture import from_torch, infer_architecture, infer_config, to_torch
    from arbsr_jax.convert.basicsr import original_names
    from arbsr_jax.model_file import SUFFIX, is_ours, read_model_file, save_model
    from arbsr_jax.models.parameters import count_parameters

    back = flags.input.suffix == SUFFIX and (is_ours(flags.input) or not flags.input.exists())
    check_ending(flags.output, TORCH_ENDINGS if back else {SUFFIX: "a model file"})
    pytorch = _pytorch()
    if back:
        model = read_model_file(flags.input)
        pytorch.write_checkpoint(flags.output, to_torch(model.parameters, model.config))
        print(f"wrote {flags.output}: a state dict for {_words(model.config.backbone, model.config)}")
        return DONE
    source, remarks = pytorch.read_checkpoint(flags.input)
    try:
        source = original_names(source)
        architecture = flags.arch or infer_architecture(source)
        config = infer_config(source, architecture, flags.scale, flags.res_scale)
        parameters = from_torch(source, architecture, config)
    except ArbsrError as error:
        raise ArbsrError(f"{flags.input}: {error}") from None
    digest = hashlib.sha256(flags.input.read_bytes()).hexdigest()
    provenance = {"converted_from": flags.input.name, "sha256": digest, "architecture": architecture}
    save_model(flags.output, config, parameters, provenance)
    print(f"{flags.input}: {'; '.join([_words(architecture, config), *remarks])}")
    print(f"wrote {flags.output}: {count_parameters(parameters):,} parameters")
    return DONE


def _words(architecture: str, config: ModelConfig) -> str:
    if config.scale:
        scale = f"x{config.scale}"
    elif architecture == "meta-rdn":
        scale = "for every scale, kernels predicted for each HR pixel"
    elif architecture == "arbrcan":
        scale = "for every scale, mixes of experts, batch norms folded"
    else:
        scale = "for every scale, an implicit function"
    sizes = {
        "edsr": f"{config.blocks} blocks, {config.channels} channels, res_scale {config.res_scale:g}",
        "rcan": f"{config.blocks} groups of {config.group_blocks} blocks, {config.channels} channels",
        "rdn": f"{config.blocks} dense blocks of {config.dense_layers} layers, {config.channels} channels",
    }
    return f"{architecture} {scale}, {sizes[config.backbone]}"


def _pytorch() -> ModuleType:
    """PyTorch takes seconds to import and need not be installed: only this command asks for it."""
    try:
        return importlib.import_module("arbsr_jax.convert.pytorch")
    except ImportError:
        raise ArbsrError(missing_extra("PyTorch", "torch")) from None
