#!/usr/bin/env bash
# Does each part of ArbSR help? The rows of the paper's Table 1 with the tiny backbone, equal steps, in about half an hour of one CPU core.
#
#   recipes/ablation.sh RUNS SEED DATA PHOTOS_DIR [PHOTOS_DIR ...]     DATA holds Set5/; the table is RUNS/ablation.md
#
# First the scale-specific networks (the table's baseline); then rows 1 to 5, all from the x4 network's blocks, as the
# paper starts them, so that row 5 differs from row 4 by the transfer loss alone. A second start goes on where the
# first one stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
seed=$2 tests=$3
source recipes/common.sh "$1" "${@:3}"
common=(--config.seed="$seed" --config.data.batch=8 --config.data.asymmetric=False
  --config.optimizer.schedule=cosine --config.optimizer.learning_rate=1e-3
  --config.checkpoint_every=250 --config.validation.folders=)

fixed=(--config.data.patch=32 --config.data.integer_steps=0 --config.steps=600)
train x4 edsr.py:tiny-x4 "${fixed[@]}"
for x in 2 3; do train "x$x" "edsr.py:tiny-x$x" "${fixed[@]}" --config.start="$runs/x4/model.safetensors"; done

mapfile -t taught < <(teachers)
for row in 1 2 3 4 5; do
  train "row$row" "ablation.py:tiny-row$row" "${taught[@]}" --config.data.patch=30 --config.data.integer_steps=60 --config.steps=600
done

found=()
for name in x2 x3 x4 row1 row2 row3 row4 row5; do
  scales=(1.5 2 2.5 3 3.5 4 2.5x3.5 6 8)
  case $name in x?) scales=("${name#x}") ;; esac
  cp "$runs/$name/model.safetensors" "$runs/$name.safetensors" # its name in the table
  "$python" evaluate.py --model "$runs/$name.safetensors" --data "$tests/Set5" --scale "${scales[@]}" --json "$runs/$name.json"
  found+=("$runs/$name.json")
done
"$python" -m arbsr_jax.cli.main report "${found[@]}" --markdown "$runs/ablation.md"
