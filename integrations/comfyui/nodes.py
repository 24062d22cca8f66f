"""A node that enlarges images to any exact size, by networks that `arbsr export` wrote; it needs no JAX."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import comfy.utils
import folder_paths
import torch

from .engine import LARGEST, Engine

FOLDER = "arbsr"  # below ComfyUI's models/
NONE = "none"
folder_paths.add_model_folder_path(FOLDER, str(Path(folder_paths.models_dir) / FOLDER))


class UpscaleToExactSize:
    """Images [B, H, W, 3] of 0 to 1, enlarged to width x height."""

    RETURN_TYPES = ("IMAGE",)
    FUNCTION = "upscale"
    CATEGORY = "image/upscaling"
    DESCRIPTION = f"Enlarge by any factor from 1 to {LARGEST} on each axis. 0 for one side keeps the shape."

    @classmethod
    def INPUT_TYPES(cls) -> dict[str, dict[str, tuple[Any, ...]]]:  # noqa: N802 (ComfyUI's name)
        """What the node asks for."""
        files = [name for name in folder_paths.get_filename_list(FOLDER) if name.endswith(".onnx")]
        side = {"default": 0, "min": 0, "max": 32768, "step": 1}
        required = {
            "image": ("IMAGE",),
            "model": (files, {"tooltip": f"models/{FOLDER}: arbsr export arbedsr-field -o arbedsr-field.onnx"}),
            "width": ("INT", {**side, "default": 1920}),
            "height": ("INT", side),
        }
        words = "the network for compressed and noisy images: arbsr export arbedsr-restore -o arbedsr-restore.onnx"
        strength = {"default": 1.0, "min": 0.0, "max": 1.0, "step": 0.05, "tooltip": "how much is taken away"}
        optional = {"restoring_model": ([NONE, *files], {"tooltip": words}), "restore": ("FLOAT", strength)}
        return {"required": required, "optional": optional}

    def upscale(
        self,
        image: torch.Tensor,
        model: str,
        width: int,
        height: int,
        restoring_model: str = NONE,
        restore: float = 1.0,
    ) -> tuple[torch.Tensor]:
        """Enlarge each image of a batch.

        Raises:
          ValueError: the size is out of reach, or the two networks do not belong together.
        """
        paths = [folder_paths.get_full_path_or_raise(FOLDER, model)]
        if restoring_model != NONE and restore:
            paths.append(folder_paths.get_full_path_or_raise(FOLDER, restoring_model))
        engine = Engine.of(tuple(paths), restore)
        pixels = image.cpu().numpy()
        size = engine.size_of(pixels.shape[1:3], (width, height))
        progress = comfy.utils.ProgressBar(len(pixels) * engine.tiles(pixels.shape[1:3]))
        large = [engine.enlarge(one, size, lambda: progress.update(1)) for one in pixels]
        return (torch.stack([torch.from_numpy(one) for one in large]),)


NODE_CLASS_MAPPINGS = {"ArbsrUpscaleToExactSize": UpscaleToExactSize}
NODE_DISPLAY_NAME_MAPPINGS = {"ArbsrUpscaleToExactSize": "Upscale to exact size (arbsr)"}
