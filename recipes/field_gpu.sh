#!/usr/bin/env bash
# arbedsr-field trained on, encoder and head, on one H100 or H200 in bfloat16.
#
#   recipes/field_gpu.sh RUNS PICTURES [VALIDATION_DIR]
#
# PICTURES: as for recipes/field_cpu.sh. A start trains for MINUTES (9) and saves; exit code 75 means that the next start
# goes on. `recipes/pack.sh` packs all that it needs on a machine without a network. Not run on a GPU yet.
set -euo pipefail
cd "$(dirname "$0")/.."
pictures=$2
source recipes/common.sh "$1" "${3:-}" "$pictures/hr"
common=(--config.dtype=bfloat16 --config.model.upsampler=field --config.model.adaption=none --config.normalized_masks=False
  --config.teachers.weight=0 --config.teachers.pictures="$pictures" --config.teachers.hr_share_end=0.3 --config.ema=0.999
  --config.data.asymmetric=True --config.data.integer_steps=0 --config.data.largest=8 --config.data.symmetric_share=0.4
  --config.data.large_share=0.15 --config.data.candidates=2 --config.data.batch=32 --config.data.patch=50
  --config.data.rim=10 --config.data.memory_gb=32 --config.optimizer.schedule=cosine
  --config.optimizer.backbone_lr_scale=0.5 --config.optimizer.learning_rate=4e-4
  --config.checkpoint_every=2000 --config.validation.every=5000)

train_in_pieces field arbedsr.py:baseline --config.init_from="${START:-arbedsr-field}" \
  --config.steps="${STEPS:-40000}" --config.teachers.hr_share_steps="${STEPS:-40000}"
