"""Pictures that scale-specific networks make of reduced photographs, as targets of training."""
