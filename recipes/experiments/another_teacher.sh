#!/usr/bin/env bash
# A network for every scale that looks like another upscaler: its pictures, 2,000 steps of arbedsr-tiny, and one sheet.
#
#   recipes/experiments/another_teacher.sh RUNS PHOTOS MODELS/realesr-animevideov3-x       the sheet is RUNS/sheet.png
#
# MODELS: recipes/ncnn_upscaler.py says where it comes from (Real-ESRGAN, BSD-3-Clause). PHOTOS: 90 regions of 256x256 took
# 5 minutes of one CPU core, the steps half an hour. A second start goes on where the first one stopped.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$1 photos=$2 teacher=$3
source recipes/common.sh "$root" "" "$root/pictures/hr"
common=(--config.teachers.weight=0)
"$python" -m arbsr_jax teach "$photos" -o "$root/pictures" --scale 2 3 4 \
  --command "$python recipes/ncnn_upscaler.py $teacher{scale} {input} {output}"
train taught arbedsr.py:tiny --config.init_from=arbedsr-tiny --config.steps="${STEPS:-2000}" \
  --config.teachers.pictures="$root/pictures" --config.teachers.lr_of_photographs=True \
  --config.teachers.hr_share_start=0 --config.teachers.hr_share_end=0 \
  --config.data.batch=8 --config.data.patch=30 --config.data.asymmetric=True --config.data.integer_steps=0 \
  --config.data.symmetric_share=0.3 --config.optimizer.schedule=cosine --config.optimizer.learning_rate=5e-4 --config.ema=0.99
"$python" recipes/experiments/taste.py "$root/taught/model.safetensors" "${teacher}4" "$root/sheet.png"
