#!/usr/bin/env bash
# Field upsampling: a head for LIIF's trained encoder, and a small network from arbedsr-tiny's blocks.
#
#   recipes/field_cpu.sh RUNS VALIDATION_DIR PICTURES LIIF.safetensors PHOTOS_DIR [PHOTOS_DIR ...]
#
# PICTURES: `python recipes/crop_photographs.py PHOTOS -o CROPS`, then `arbsr teach CROPS -o PICTURES`, at x2, x3 and x4.
# LIIF.safetensors: `arbsr convert edsr-baseline-liif.pth -o LIIF.safetensors`. A second start goes on where the first one
# stopped. Validation is for the curves alone: the last model is kept, not the best. The results are arbedsr-field and
# arbedsr-field-tiny.
set -euo pipefail
cd "$(dirname "$0")/.."
pictures=$3 liif=$4
source recipes/common.sh "$1" "$2" "$pictures/hr"
common=(--config.model.upsampler=field --config.model.adaption=none --config.teachers.weight=0 --config.normalized_masks=False
  --config.data.asymmetric=True --config.data.integer_steps=0 --config.data.largest=8 --config.data.symmetric_share=0.4
  --config.data.large_share=0.15 --config.data.candidates=2 --config.data.batch=8 --config.data.patch=50
  --config.optimizer.schedule=cosine --config.checkpoint_every=100 --config.validation.scales="2,3,4,2.5x3.5"
  --config.validation.every=400)
taught=(--config.teachers.pictures="$pictures")
head=(--config.data.rim=10 --config.optimizer.backbone_lr_scale=0.0 --config.ema=0.995)
small=(--config.model.basis=32 --config.model.hidden=128 --config.data.rim=8 --config.teachers.hr_share_end=0.3 --config.ema=0.998)

train field-head arbedsr.py:baseline "${head[@]}" "${taught[@]}" --config.init_from="$liif" --config.steps=1600 \
  --config.teachers.hr_share_end=0.0 --config.optimizer.learning_rate=2e-3
train field-tiny arbedsr.py:tiny "${small[@]}" "${taught[@]}" --config.init_from=arbedsr-tiny --config.seed=1 \
  --config.steps=4000 --config.teachers.hr_share_steps=4000 --config.optimizer.learning_rate=1.5e-3
train field-tiny2 arbedsr.py:tiny "${small[@]}" "${taught[@]}" --config.init_from="$runs/field-tiny/model.safetensors" \
  --config.seed=2 --config.steps=1100 --config.teachers.hr_share_steps=1100 --config.optimizer.learning_rate=1e-3
# The frozen encoder is LIIF's own: its images hold nothing that the features do not say.
data=()
for folder in "${@:5}"; do data+=(--data "$folder"); done
train head-liif arbedsr.py:baseline "${head[@]}" --config.init_from="$runs/field-head/model.safetensors" --config.seed=5 \
  --config.teachers.output="$liif" --config.steps=1000 --config.optimizer.learning_rate=1.5e-3
