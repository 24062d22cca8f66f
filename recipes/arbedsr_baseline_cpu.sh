#!/usr/bin/env bash
# The first nine runs of arbedsr-baseline, on 2 CPU cores in about seven hours; recipes/taught_cpu.sh goes on from the last.
# docs/models.md has what came of them.
#
#   recipes/arbedsr_baseline_cpu.sh LIIF.safetensors RUNS VALIDATION_DIR PHOTOS_DIR [PHOTOS_DIR ...]
#
# LIIF.safetensors: `arbsr convert edsr-baseline-liif.pth -o LIIF.safetensors`. A second start goes on where the
# first one stopped. Validation is for the curves alone: the last model is kept, not the best.
set -euo pipefail
cd "$(dirname "$0")/.."
liif=$1
source recipes/common.sh "${@:2}"
# A trained backbone moves a tenth as fast as what is fresh.
common=(--config.optimizer.schedule=cosine --config.optimizer.learning_rate=1e-3 --config.optimizer.backbone_lr_scale=0.1
  --config.checkpoint_every=250 --config.validation.every=500)

teacher=(--config.data.batch=8 --config.data.patch=32)
train x4 edsr.py:baseline-x4 "${teacher[@]}" --config.init_from="$liif" --config.steps=1200
for x in 2 3; do
  train "x$x" "edsr.py:baseline-x$x" "${teacher[@]}" --config.init_from="$runs/x4/model.safetensors" --config.steps=500
done

mapfile -t taught < <(teachers)
student=(--config.data.batch=6 --config.data.patch=40 --config.validation.scales="2,2.5x3.5,3,4" "${taught[@]}")
train symmetric arbedsr.py:baseline "${student[@]}" --config.teachers.copy_ends=True \
  --config.data.integer_steps=200 --config.steps=2600
train asymmetric arbedsr.py:baseline "${student[@]}" --config.init_from="$runs/symmetric/model.safetensors" \
  --config.data.integer_steps=0 --config.data.asymmetric=True --config.optimizer.learning_rate=6e-4 \
  --config.optimizer.backbone_lr_scale=0.3 --config.steps=1200
# Then longer, from a rate that lets the backbone move too. Transfer has done its work: the teachers know less by now.
train longer arbedsr.py:baseline "${student[@]}" --config.init_from="$runs/asymmetric/model.safetensors" --config.seed=1 \
  --config.data.integer_steps=0 --config.data.asymmetric=True --config.teachers.weight=0 \
  --config.optimizer.learning_rate=6e-4 --config.optimizer.backbone_lr_scale=0.5 --config.steps=4200
# Then towards LIIF's own SR images: against HR images such small batches have come to their plateau by then.
imitating=("${student[@]}" --config.data.integer_steps=0 --config.data.asymmetric=True --config.data.candidates=4
  --config.teachers.weight=0 --config.teachers.output="$liif" --config.optimizer.learning_rate=5e-4
  --config.optimizer.backbone_lr_scale=0.6)
export JAX_NUM_CPU_DEVICES=2
train imitating arbedsr.py:baseline "${imitating[@]}" --config.init_from="$runs/longer/model.safetensors" --config.seed=3 \
  --config.steps=4700
# The same with every other batch at one factor for both axes, since the largest enlargements had been the rarest; twice.
even=("${imitating[@]}" --config.data.symmetric_share=0.5)
train refining arbedsr.py:baseline "${even[@]}" --config.init_from="$runs/imitating/model.safetensors" --config.seed=4 \
  --config.steps=2400
train finishing arbedsr.py:baseline "${even[@]}" --config.init_from="$runs/refining/model.safetensors" --config.seed=5 \
  --config.steps=4000
