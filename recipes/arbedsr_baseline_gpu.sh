#!/usr/bin/env bash
# arbedsr-baseline to convergence on one GPU: teachers and student for 100,000 steps each, in bfloat16.
#
#   recipes/arbedsr_baseline_gpu.sh LIIF.safetensors RUNS VALIDATION_DIR PHOTOS_DIR [PHOTOS_DIR ...]
#
# The student starts from the shipped arbedsr-baseline, so that nothing learned on CPUs is lost; teachers start from the
# converted encoder. Batch 16 of 50x50 patches and 1e-4 are the paper's; halving follows its 15 of 70 epochs. A second start
# goes on where the first one stopped. Not run yet: no accelerator was to be had.
set -euo pipefail
cd "$(dirname "$0")/.."
liif=$1
source recipes/common.sh "${@:2}"
common=(--config.dtype=bfloat16 --config.steps=100000 --config.optimizer.halve_every=25000 --config.validation.every=5000)

train x4 edsr.py:baseline-x4 --config.init_from="$liif"
for x in 2 3; do train "x$x" "edsr.py:baseline-x$x" --config.init_from="$runs/x4/model.safetensors"; done

mapfile -t taught < <(teachers)
student=(--config.init_from=arbedsr-baseline --config.validation.scales="2,2.5x3.5,3,4" "${taught[@]}")
train symmetric arbedsr.py:baseline "${student[@]}"
train asymmetric arbedsr.py:baseline "${student[@]}" --config.init_from="$runs/symmetric/model.safetensors" \
  --config.data.integer_steps=0 --config.data.asymmetric=True --config.optimizer.learning_rate=5e-5
