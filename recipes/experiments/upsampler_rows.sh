#!/usr/bin/env bash
# Does scale-aware upsampling (Table 1, row 2) pass bicubic (row 1) if it trains long enough, and what helps it?
#
#   recipes/experiments/upsampler_rows.sh RUNS DATA PHOTOS_DIR [PHOTOS_DIR ...]     DATA holds Set5/; the result is RUNS/upsampling.csv
#
# No adaption. All variants go on from the blocks of row 1, itself from arbedsr-tiny's, for 5,000 steps at symmetric scales.
# They differ from `row2` by what their names say. About two hours of one CPU core a seed; SEEDS and NAMES choose.
# A second start goes on where the first one stopped.
set -euo pipefail
cd "$(dirname "$0")/../.."
root=$1 tests=$2 seeds=${SEEDS:-0 1 2}
read -ra names <<<"${NAMES:-row1 row2 inverse heads-faster 3x3 heads-drawn}"
set -- "${@:3}"

student() { # NAME ROW FLAG...
  train "$1" "ablation.py:tiny-$2" --config.steps="${STEPS:-5000}" --config.init_from="$runs/start/model.safetensors" "${@:3}"
}
for seed in $seeds; do
  source recipes/common.sh "$root/seed$seed" "" "$@"
  common=(--config.seed="$seed" --config.data.batch=4 --config.data.patch=40 --config.data.asymmetric=False
    --config.optimizer.schedule=cosine --config.optimizer.learning_rate=1e-3 --config.checkpoint_every=500)
  train start ablation.py:tiny-row1 --config.init_from=arbedsr-tiny --config.steps=200
  drawn=$runs/drawn.safetensors
  [ -e "$drawn" ] || "$python" recipes/experiments/drawn_heads.py "$runs/start/model.safetensors" "$drawn"

  for name in "${names[@]}"; do
    case $name in
      row1 | row2) student "$name" "$name" ;;
      inverse) student "$name" row2 --config.model.scale_input=inverse ;;
      heads-faster) student "$name" row2 --config.optimizer.hyper_lr_scale=4 ;;
      3x3) student "$name" row2 --config.model.kernel_size=3 ;;
      heads-drawn) student "$name" row2 --config.init_from="$drawn" ;;
    esac
    cp "$runs/$name/model.safetensors" "$runs/$name.safetensors" # its name in the table
    [ -e "$runs/$name.json" ] || "$python" evaluate.py --model "$runs/$name.safetensors" --data "$tests/Set5" \
      --scale 1.5 2 2.5 3 3.5 4 --json "$runs/$name.json"
  done
done
against=()
[[ " ${names[*]} " != *" row2 "* ]] || against=(--against row2)
"$python" recipes/seeds_page.py "$root"/seed* "${against[@]}" --rows "${names[@]}" >"$root/upsampling.csv"
