#!/usr/bin/env bash
# The shipped models, trained on from x1.1 to x8, with unsaturated masks and averaged weights: docs/models.md has what came of it.
#
#   recipes/taught_cpu.sh RUNS VALIDATION_DIR PICTURES                       arbedsr-tiny, from RUNS/tiny
#   recipes/taught_cpu.sh RUNS VALIDATION_DIR PICTURES LIIF.safetensors      arbedsr-baseline, from RUNS/finishing
#
# PICTURES: `arbsr teach PHOTOS -o PICTURES`. RUNS/finishing is the last run of recipes/arbedsr_baseline_cpu.sh.
# One CPU core takes an hour for tiny and four for baseline. A second start goes on where the first one stopped.
# Validation is for the curves alone: the last model is kept, not the best.
set -euo pipefail
cd "$(dirname "$0")/.."
pictures=$3 liif=${4:-}
source recipes/common.sh "$1" "$2" "$pictures/hr"
common=(--config.teachers.weight=0 --config.data.batch=8 --config.data.patch=40 --config.data.candidates=2
  --config.data.asymmetric=True --config.data.integer_steps=0 --config.data.largest=8 --config.checkpoint_every=250
  --config.validation.scales="2,2.5x3.5,3,4,8" --config.validation.every=500)
cosine=(--config.optimizer.schedule=cosine)
mixed=(--config.teachers.pictures="$pictures" --config.teachers.hr_share_start=0.5 --config.teachers.hr_share_end=0.5)

tiny() {
  local student=("${mixed[@]}" "${cosine[@]}" --config.optimizer.learning_rate=5e-4)
  train tiny-masks-reset arbedsr.py:tiny "${student[@]}" --config.init_from="$runs/tiny/model.safetensors" --config.seed=1 \
    --config.steps=800 --config.data.symmetric_share=0.3 --config.data.large_share=0.15 --config.ema=0.99
  train tiny-taught arbedsr.py:tiny "${student[@]}" --config.init_from="$runs/tiny-masks-reset/model.safetensors" --config.seed=2 \
    --config.steps=4600 --config.data.symmetric_share=0.2 --config.data.large_share=0.1 --config.ema=0.999
}

interpolate() { # FROM TO SHARE OUT
  [ -e "$4" ] || "$python" recipes/interpolate.py "$1" "$2" "$pictures/hr" -o "$4" --share "$3"
}

baseline() {
  local start=$runs/finishing/model.safetensors student=(--config.data.large_share=0.15 --config.ema=0.999)
  train masks-reset arbedsr.py:baseline "${student[@]}" "${mixed[@]}" --config.init_from="$start" --config.seed=11 \
    --config.steps=3500 --config.data.symmetric_share=0.3 --config.optimizer.learning_rate=4e-4 --config.optimizer.halve_every=4000
  # No mask is saturated now, and x6 and x8 are learned; up to x4 it lost. Weights a part of the way keep most of both.
  interpolate "$start" "$runs/masks-reset/model.safetensors" 0.25 "$runs/between.safetensors"
  train mixed arbedsr.py:baseline "${student[@]}" "${mixed[@]}" "${cosine[@]}" --config.init_from="$runs/between.safetensors" \
    --config.seed=21 --config.steps=6000 --config.data.symmetric_share=0.4 --config.optimizer.learning_rate=3e-4
  interpolate "$runs/between.safetensors" "$runs/mixed/model.safetensors" 0.4 "$runs/between-mixed.safetensors"
  # HR images of small photographs cost at x2. LIIF's images do not, and LIIF knows large factors too.
  train imitating-large arbedsr.py:baseline "${student[@]}" "${cosine[@]}" --config.init_from="$runs/between-mixed.safetensors" \
    --config.teachers.output="$liif" --config.seed=31 --config.steps=2200 --config.data.candidates=4 \
    --config.data.symmetric_share=0.5 --config.optimizer.learning_rate=5e-4 --config.optimizer.backbone_lr_scale=0.6
}

if [ -n "$liif" ]; then baseline; else tiny; fi
