#!/usr/bin/env bash
# Does each part of ArbSR help? The rows of the paper's Table 1 with the tiny backbone, equal steps, in half an hour of one CPU core a seed.
#
#   recipes/ablation.sh RUNS DATA PHOTOS_DIR [PHOTOS_DIR ...]     DATA holds Set5/; the result is RUNS/ablation.csv
#
# First the scale-specific networks (the table's baseline), from the shipped arbedsr-tiny but for its plug-in, so that a few
# hundred steps are enough; then rows 1 to 5, all from the x4 network's blocks, as the paper starts them, so that row 5
# differs from row 4 by the transfer loss alone. A second start goes on where the first one stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$1 tests=$2 seeds=${SEEDS:-0 1 2}
set -- "${@:2}"

for seed in $seeds; do
  source recipes/common.sh "$root/seed$seed" "$@"
  common=(--config.seed="$seed" --config.data.batch=8 --config.data.patch=30 --config.data.asymmetric=False
    --config.optimizer.schedule=cosine --config.optimizer.learning_rate=1e-3 --config.steps=600
    --config.checkpoint_every=250 --config.validation.folders=)

  train x4 edsr.py:tiny-x4 --config.init_from=arbsr_jax/weights/arbedsr-tiny.safetensors
  for x in 2 3; do train "x$x" "edsr.py:tiny-x$x" --config.init_from="$runs/x4/model.safetensors"; done
  mapfile -t taught < <(teachers)
  for row in 1 2 3 4 5; do train "row$row" "ablation.py:tiny-row$row" --config.data.integer_steps=60 "${taught[@]}"; done

  for name in x2 x3 x4 row1 row2 row3 row4 row5; do
    scales=(1.5 2 2.5 3 3.5 4 2.5x3.5 6 8)
    case $name in x?) scales=("${name#x}") ;; esac
    cp "$runs/$name/model.safetensors" "$runs/$name.safetensors" # its name in the table
    "$python" evaluate.py --model "$runs/$name.safetensors" --data "$tests/Set5" --scale "${scales[@]}" --json "$runs/$name.json"
  done
done
"$python" recipes/seeds_page.py "$root"/seed* >"$root/ablation.csv"
