"""What a run over many pictures is asked for, beside the model and the size of its results."""

from __future__ import annotations

from dataclasses import dataclass

from arbsr_jax.app.writing import DEFAULT_QUALITY
from arbsr_jax.errors import ArbsrError

FIRST, ALL = "first", "all"  # frames


@dataclass(frozen=True)
class UpscaleOptions:
    """How pictures are read, enlarged and written.

    Attributes:
      overwrite: whether results replace files that are there.
      skip_existing: whether results that are there are left alone.
      dry_run: whether nothing is computed: what would be done is said.
      frames: of files with several: the "first", or "all".
      explain: whether plans are said.
      ensemble: whether to average over flips and transposes.
      consistent: whether results are corrected until they are their source again when made small.
      compare: whether the difference of the two is noted.
      quality: of JPEG, WebP, AVIF and JPEG XL, 1 to 100.
      metadata: whether it is kept.
    """

    overwrite: bool = True
    skip_existing: bool = False
    dry_run: bool = False
    frames: str = FIRST
    explain: bool = False
    ensemble: bool = False
    consistent: bool = False
    compare: bool = False
    quality: int = DEFAULT_QUALITY
    metadata: bool = True

    def __post_init__(self) -> None:
        """Check what has limits.

        Raises:
          ArbsrError: a value is not allowed.
        """
        if not 1 <= self.quality <= 100:
            raise ArbsrError(f"quality {self.quality} is not allowed; give 1 to 100")
        if self.frames not in (FIRST, ALL):
            raise ArbsrError(f"frames {self.frames!r} is not allowed; give {FIRST} or {ALL}")
