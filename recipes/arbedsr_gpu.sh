#!/usr/bin/env bash
# ArbEDSR at the paper's size (42.9 M parameters) on one H100 or H200 in bfloat16, from photographs and their pictures.
#
#   recipes/arbedsr_gpu.sh RUNS PICTURES [VALIDATION_DIR]      PICTURES: `arbsr teach PHOTOS -o PICTURES`
#
# A start trains for MINUTES (9) and saves; exit code 75 means that the next start goes on. `recipes/pack.sh` packs all that
# it needs on a machine without a network. The paper's run has 70,000 steps of the same batches. Not run on a GPU yet.
set -euo pipefail
cd "$(dirname "$0")/.."
pictures=$2
source recipes/common.sh "$1" "${3:-}" "$pictures/hr"
taught=(--config.dtype=bfloat16 --config.teachers.weight=0 --config.teachers.pictures="$pictures" --config.ema=0.999
  --config.data.asymmetric=True --config.data.symmetric_share=0.3 --config.data.largest=8 --config.data.large_share=0.15
  --config.data.memory_gb=32 --config.checkpoint_every=2000 --config.validation.every=5000)
common=("${taught[@]}" --config.steps=70000)

train_in_pieces "${NAME:-arbedsr}" "${CONFIG:-arbedsr.py:full}"
