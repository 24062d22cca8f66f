"""The dial between a network of clean images and one that restores damaged ones: their weights, interpolated.

Both must lie on one trajectory, the second trained on from the first; then all between them are good networks too
(Wang et al., "Deep Network Interpolation for Continuous Imagery Effect Transition", CVPR 2019).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from arbsr_jax.errors import ArbsrError
from arbsr_jax.imaging.scale import Number
from arbsr_jax.model_file import Model, read_model_file, shipped_models
from arbsr_jax.models.config import DEFAULT_RESTORING
from arbsr_jax.models.parameters import flatten_parameters, unflatten_parameters

RESTORES = "restores"  # field of a restoring model's provenance: the model that it was trained on from
STRENGTHS = "from 0 (nothing is restored) to 1"


class Dial:
    """Networks between two of one config."""

    def __init__(self, clean: Model, restoring: Model) -> None:
        """Take the two ends.

        Raises:
          ArbsrError: they are of different configs.
        """
        if clean.config != restoring.config:
            raise ArbsrError(f"{clean.name} and {restoring.name} are different networks: no dial lies between them")
        self.clean, self.restoring = clean, restoring

    @classmethod
    def of(cls, path_or_name: str | Path) -> Dial:
        """The dial that a model belongs to: a restoring one, or one that a shipped model restores for.

        Raises:
          ArbsrError: no such model, or it belongs to none.
        """
        model = read_model_file(path_or_name)
        if RESTORES in model.provenance:
            return cls(read_model_file(model.provenance[RESTORES]), model)
        for name in shipped_models():
            other = read_model_file(name)
            if other.provenance.get(RESTORES) == model.name:
                return cls(model, other)
        raise ArbsrError(f"{path_or_name}: has no network that restores; use {DEFAULT_RESTORING}")

    def at(self, strength: Number) -> Model:
        """The network at a strength from 0, the clean network itself, to 1, the restoring one itself.

        Raises:
          ArbsrError: the strength is out of range.
        """
        check_strength(strength)
        if strength in (0, 1):
            return self.restoring if strength else self.clean
        ends = (flatten_parameters(model.parameters) for model in (self.clean, self.restoring))
        clean, restoring = ({path: np.asarray(leaf) for path, leaf in leaves.items()} for leaves in ends)
        share = np.float32(strength)
        between = {path: (1 - share) * leaf + share * restoring[path] for path, leaf in clean.items()}
        name = f"{self.restoring.name}-{strength:g}"
        return self.restoring._replace(name=name, parameters=unflatten_parameters(between))


def check_strength(strength: Number) -> None:
    """Refuse what is not within 0 and 1.

    Raises:
      ArbsrError: it is not.
    """
    if not 0 <= float(strength) <= 1:
        raise ArbsrError(f"restore={strength} is not allowed; give a strength {STRENGTHS}")
