"""Teachers, loaded from model files and frozen: scale-specific networks, and one for every scale."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import NamedTuple

from arbsr_jax.errors import ArbsrError
from arbsr_jax.model_file import read_model_file
from arbsr_jax.models.config import ModelConfig
from arbsr_jax.models.parameters import Parameters

SHARED = ("backbone", "blocks", "channels", "res_scale", "group_blocks", "reduction")  # with the student
START_SCALE = 4  # the student starts from this teacher (Section 4.1)


class FrozenTeacher(NamedTuple):
    """A frozen network: its features are transferred in batches of its scale, or its SR images are targets."""

    config: ModelConfig
    parameters: Parameters


def load_teachers(files: Mapping[int, str], student: ModelConfig) -> dict[int, FrozenTeacher]:
    """Teachers by scale, from model files or names of shipped models.

    Raises:
      ArbsrError: a file cannot be read, is not of that scale, or has another backbone than the student.
    """
    teachers = {}
    for scale, file in files.items():
        model = read_model_file(file)
        if model.config.scale != scale:
            made_for = f"scale {model.config.scale}" if model.config.scale else "any scale"
            raise ArbsrError(f"teacher for scale {scale}: {file} is a network for {made_for}; give a x{scale} network")
        for field in SHARED:
            theirs, ours = getattr(model.config, field), getattr(student, field)
            if theirs != ours:
                raise ArbsrError(f"teacher for scale {scale}: {file} has {field}={theirs}, the student {ours}")
        config = dataclasses.replace(model.config, interval=student.interval)
        teachers[scale] = FrozenTeacher(config, model.parameters)
    return teachers


def load_output_teacher(file: str) -> FrozenTeacher | None:
    """The teacher of output distillation, from a model file or the name of a shipped model; None if none is named.

    Raises:
      ArbsrError: the file cannot be read, or is of a network for one scale.
    """
    if not file:
        return None
    model = read_model_file(file)
    if model.config.scale:
        raise ArbsrError(
            f"config.teachers.output={file} is a network for scale {model.config.scale} alone; "
            "give one for every scale, such as a converted LIIF"
        )
    return FrozenTeacher(model.config, model.parameters)
