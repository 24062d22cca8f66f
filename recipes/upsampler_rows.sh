#!/usr/bin/env bash
# Does scale-aware upsampling (Table 1, row 2) pass bicubic (row 1) if it trains long enough, and what helps it?
#
#   recipes/upsampler_rows.sh RUNS DATA PHOTOS_DIR [PHOTOS_DIR ...]     DATA holds Set5/; the result is RUNS/upsampling.csv
#
# No adaption. All variants go on from the blocks of row 1, itself from arbedsr-tiny's, for 5,000 steps at symmetric scales.
# They differ from `row2` by what their names say. About two hours of one CPU core.
# A second start goes on where the first one stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
tests=$2
source recipes/common.sh "$1" "" "${@:3}"
common=(--config.seed=0 --config.data.batch=4 --config.data.patch=40 --config.data.asymmetric=False
  --config.optimizer.schedule=cosine --config.optimizer.learning_rate=1e-3 --config.checkpoint_every=500)
names=(row1 row2 inverse heads-faster 3x3 heads-drawn)

train start ablation.py:tiny-row1 --config.init_from=arbedsr-tiny --config.steps=200
drawn=$runs/drawn.safetensors
[ -e "$drawn" ] || "$python" recipes/drawn_heads.py "$runs/start/model.safetensors" "$drawn"
student() { # NAME ROW FLAG...
  train "$1" "ablation.py:tiny-$2" --config.steps="${STEPS:-5000}" --config.init_from="$runs/start/model.safetensors" "${@:3}"
}
student row1 row1
student row2 row2
student inverse row2 --config.model.scale_input=inverse
student heads-faster row2 --config.optimizer.hyper_lr_scale=4
student 3x3 row2 --config.model.kernel_size=3
student heads-drawn row2 --config.init_from="$drawn"

mkdir -p "$runs/scores"
for name in "${names[@]}"; do
  cp "$runs/$name/model.safetensors" "$runs/scores/$name.safetensors" # its name in the table
  "$python" evaluate.py --model "$runs/scores/$name.safetensors" --data "$tests/Set5" --scale 1.5 2 2.5 3 3.5 4 \
    --json "$runs/scores/$name.json"
done
"$python" recipes/seeds_page.py "$runs/scores" --against row2 --rows "${names[@]}" >"$runs/upsampling.csv"
