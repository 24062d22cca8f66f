#!/usr/bin/env bash
# arbedsr-restore: arbedsr-field trained on, on damaged photographs. About two hours of one CPU core.
#
#   recipes/restore_cpu.sh RUNS "" PHOTOS_DIR [PHOTOS_DIR ...]
#
# A second start goes on where the first one stopped. The last model, of averaged weights, is the result:
#   recipes/ship.py RUNS/restore/model.safetensors arbedsr-restore --restores arbedsr-field ...
set -euo pipefail
cd "$(dirname "$0")/.."
source recipes/common.sh "$@"
common=(--config.model.upsampler=field --config.model.adaption=none --config.teachers.weight=0
  --config.normalized_masks=False --config.data.asymmetric=True --config.data.integer_steps=0 --config.data.largest=8
  --config.data.symmetric_share=0.4 --config.data.large_share=0.1 --config.data.candidates=2 --config.data.batch=8
  --config.data.patch=50 --config.data.rim=6 --config.data.degradations=photo --config.data.cleaning_share=0.05)
train restore arbedsr.py:baseline --config.init_from=arbedsr-field --config.seed=11 --config.steps="${STEPS:-3600}" \
  --config.optimizer.schedule=cosine --config.optimizer.learning_rate=4e-4 --config.optimizer.backbone_lr_scale=0.5 \
  --config.ema=0.998 --config.checkpoint_every=100
