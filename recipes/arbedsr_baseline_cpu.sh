#!/usr/bin/env bash
# The shipped arbedsr-baseline, trained on 2 CPU cores in about two hours: docs/training-log.md has what came of it.
#
#   recipes/arbedsr_baseline_cpu.sh LIIF.safetensors RUNS VALIDATION_DIR PHOTOS_DIR [PHOTOS_DIR ...]
#
# LIIF.safetensors: `arbsr convert edsr-baseline-liif.pth -o LIIF.safetensors`. A second start goes on where the
# first one stopped. Validation is for the curves alone: the last model is kept, not the best.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
liif=$1 runs=$2 validation=$3
shift 3
data=()
for folder in "$@"; do data+=(--data "$folder"); done

# A trained backbone moves a tenth as fast as what is fresh.
tune() { # NAME CONFIG FLAG...
  local name=$1 config=$2
  shift 2
  [ -e "$runs/$name/model.safetensors" ] || "$python" train.py --config "configs/$config" "${data[@]}" \
    --workdir "$runs/$name" --config.optimizer.schedule=cosine --config.optimizer.learning_rate=1e-3 \
    --config.optimizer.backbone_rate=0.1 --config.checkpoint_every=250 \
    --config.validation.folders="$validation" --config.validation.every=500 "$@"
}

teacher=(--config.data.batch=8 --config.data.patch=32)
tune x4 edsr.py:baseline-x4 "${teacher[@]}" --config.start="$liif" --config.steps=1200
for x in 2 3; do
  tune "x$x" "edsr.py:baseline-x$x" "${teacher[@]}" --config.start="$runs/x4/model.safetensors" --config.steps=500
done

student=(--config.data.batch=6 --config.data.patch=40 --config.validation.scales="2,2.5x3.5,3,4")
for x in 2 3 4; do student+=(--config.teachers.x$x="$runs/x$x/model.safetensors"); done
tune symmetric arbedsr.py:baseline "${student[@]}" --config.teachers.copy_ends=True \
  --config.data.integer_steps=200 --config.steps=2600
tune asymmetric arbedsr.py:baseline "${student[@]}" --config.start="$runs/symmetric/model.safetensors" \
  --config.data.integer_steps=0 --config.data.asymmetric=True --config.optimizer.learning_rate=6e-4 \
  --config.optimizer.backbone_rate=0.3 --config.steps=1200
