#!/usr/bin/env bash
# The shipped models, trained on with teachers' pictures, from x1.1 to x8, with averaged weights: docs/models.md has what came of it.
#
#   recipes/taught_cpu.sh RUNS VALIDATION_DIR PICTURES      PICTURES: `arbsr teach PHOTOS -o PICTURES`
#
# arbedsr-tiny takes an hour of one CPU core; arbedsr-baseline sees 10,000 LR pixels a second on one core and has no end yet.
# It goes on from recipes/weights, which holds what it has learned so far. A second start goes on where the first one stopped.
# Validation is for the curves alone: the last model is kept, not the best.
set -euo pipefail
cd "$(dirname "$0")/.."
pictures=$3
source recipes/common.sh "$1" "$2" "$pictures/hr"
common=(--config.teachers.weight=0 --config.teachers.pictures="$pictures" --config.teachers.hr_share_start=0.5
  --config.teachers.hr_share_end=0.5 --config.data.batch=8 --config.data.patch=40 --config.data.candidates=2
  --config.data.asymmetric=True --config.data.integer_steps=0 --config.data.largest=8 --config.checkpoint_every=250
  --config.validation.scales="2,2.5x3.5,3,4,8" --config.validation.every=500)

tiny=(--config.optimizer.schedule=cosine --config.optimizer.learning_rate=5e-4)
train tiny-first arbedsr.py:tiny "${tiny[@]}" --config.init_from=arbedsr-tiny --config.seed=1 --config.steps=800 \
  --config.data.symmetric_share=0.3 --config.data.large_share=0.15 --config.ema=0.99
train tiny arbedsr.py:tiny "${tiny[@]}" --config.init_from="$runs/tiny-first/model.safetensors" --config.seed=2 --config.steps=4600 \
  --config.data.symmetric_share=0.2 --config.data.large_share=0.1 --config.ema=0.999

train baseline arbedsr.py:baseline --config.init_from=recipes/weights/arbedsr-baseline-taught.safetensors --config.seed=12 --config.steps=40000 \
  --config.data.symmetric_share=0.3 --config.data.large_share=0.15 --config.ema=0.999 \
  --config.optimizer.learning_rate=4e-4 --config.optimizer.halve_every=40000
