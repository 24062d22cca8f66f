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
python=${PYTHON:-.venv/bin/python}
liif=$1 runs=$2 validation=$3
shift 3
data=()
for folder in "$@"; do data+=(--data "$folder"); done
common=(--config.dtype=bfloat16 --config.steps=100000 --config.optimizer.halve_every=25000
  --config.validation.folders="$validation" --config.validation.every=5000)

train() { # NAME CONFIG FLAG...
  local name=$1 config=$2
  shift 2
  [ -e "$runs/$name/model.safetensors" ] || "$python" train.py --config "configs/$config" "${data[@]}" \
    --workdir "$runs/$name" "${common[@]}" "$@"
}

for x in 4 2 3; do
  start=$liif
  [ "$x" = 4 ] || start=$runs/x4/model.safetensors
  train "x$x" "edsr.py:baseline-x$x" --config.start="$start"
done
student=(--config.start=arbedsr-baseline --config.validation.scales="2,2.5x3.5,3,4")
for x in 2 3 4; do student+=(--config.teachers.x$x="$runs/x$x/model.safetensors"); done
train symmetric arbedsr.py:baseline "${student[@]}"
train asymmetric arbedsr.py:baseline "${student[@]}" --config.start="$runs/symmetric/model.safetensors" \
  --config.data.integer_steps=0 --config.data.asymmetric=True --config.optimizer.learning_rate=5e-5
