#!/usr/bin/env bash
# Which upsampler learns fastest at tiny size, and which choices of field upsampling pay: equal steps, three seeds.
#
#   recipes/upsamplers.sh RUNS VALIDATION_DIR PHOTOS_DIR [PHOTOS_DIR ...]     SEEDS and NAMES choose among the runs
#
# Every run starts from arbedsr-tiny's encoder with a fresh upsampler and tail. A step of LIIF computes a sixteenth of
# the HR pixels, as its authors sample them. RUNS/NAME-SEED/scores.json holds the scores of VALIDATION_DIR at x2, x3,
# x4, 2.5x3.5 and x6. RATE is Adam's learning rate; SWEEPS names sweeps to score as well, into SWEEP.json.
# A second start goes on where the first one stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
source recipes/common.sh "$@"
common=(--config.model.upsampler=field --config.init_from=arbedsr-tiny --config.init_backbone_only=True
  --config.teachers.weight=0 --config.normalized_masks=False
  --config.data.asymmetric=True --config.data.largest=8 --config.data.symmetric_share=0.4
  --config.data.large_share=0.15 --config.data.batch=8 --config.data.patch=40 --config.data.rim=4 --config.steps=300
  --config.optimizer.learning_rate="${RATE:-2e-3}" --config.ema=0.995 --config.validation.every=100000 --config.checkpoint_every=300)

base=(--config.model.adaption=none --config.model.basis=32 --config.model.hidden=128 --config.model.hidden_layers=2)
rows=(
  "base"
  "basis16 --config.model.basis=16"
  "basis64 --config.model.basis=64"
  "one-layer --config.model.hidden_layers=1"
  "hidden256 --config.model.hidden=256"
  "adaption --config.model.adaption=plain"
  "nearest"
  "thera"
  "on-bicubic"
  "paper --config.model.upsampler=scale_aware"
  "bicubic --config.model.upsampler=bicubic"
  "3x3 --config.model.upsampler=scale_aware --config.model.kernel_size=3"
  "experts --config.model.upsampler=experts"
  "meta --config.model.upsampler=meta"
  "liif --config.model.upsampler=implicit --config.data.hr_stride=4"
)
formed() { "${PYTHON:-.venv/bin/python}" recipes/experiments/field_forms.py "$form" "$@"; }
score() { # NAME-SEED FILE FLAG...: nothing where that file is there
  [ -e "$runs/$1/$2.json" ] || "$python" evaluate.py --model "$runs/$1/model.safetensors" --data "$validation" \
    "${@:3}" --json "$runs/$1/$2.json"
}
plain=$python
for seed in ${SEEDS:-0 1 2}; do
  for row in "${rows[@]}"; do
    read -r name flags <<<"$row"
    [[ " ${NAMES:-$name} " == *" $name "* ]] || continue
    form=${name#on-}
    case $name in nearest | thera | on-bicubic) python=formed ;; *) python=$plain ;; esac
    # shellcheck disable=SC2086 (flags are words)
    train "$name-$seed" arbedsr.py:tiny --config.seed="$seed" "${base[@]}" $flags
    score "$name-$seed" scores --scale 2 3 4 2.5x3.5 6
    for sweep in ${SWEEPS:-}; do score "$name-$seed" "$sweep" --sweep "$sweep"; done
  done
done
