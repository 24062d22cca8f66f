#!/usr/bin/env bash
# Do teachers' pictures, averaged weights, normalised masks and 1/r help? At tiny size, equal steps, three seeds.
#
#   recipes/taught_ablation.sh RUNS DATA PICTURES LIIF.safetensors      the result is RUNS/taught.csv
#
# DATA holds Set5/. PICTURES: `arbsr teach PHOTOS -o PICTURES`. All variants start from the blocks of one x4 network and train
# on the same regions; each differs from `hr` by what its name says. A second start goes on where the first one stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$1 tests=$2 pictures=$3 liif=$4 seeds=${SEEDS:-0 1 2}

for seed in $seeds; do
  source recipes/common.sh "$root/seed$seed" "" "$pictures/hr"
  common=(--config.seed="$seed" --config.data.batch=8 --config.data.patch=30 --config.data.asymmetric=True
    --config.data.symmetric_share=0.3 --config.optimizer.schedule=cosine --config.optimizer.learning_rate=1e-3
    --config.steps="${STEPS:-600}" --config.checkpoint_every=250)
  taught=(--config.teachers.pictures="$pictures" --config.teachers.hr_share_end=0)
  mixed=("${taught[@]}" --config.teachers.hr_share_start=0.5 --config.teachers.hr_share_end=0.5)

  train x4 edsr.py:tiny-x4 --config.init_from=arbedsr-tiny
  student() { train "$1" arbedsr.py:tiny --config.init_from="$runs/x4/model.safetensors" "${@:2}"; }
  student hr
  student hr-averaged --config.ema=0.99
  student liif --config.teachers.output="$liif"
  student pictures "${taught[@]}"
  student mix "${mixed[@]}"
  student mix-averaged "${mixed[@]}" --config.ema=0.99
  student plain-masks --config.normalized_masks=False
  student inverse --config.model.scale_input=inverse

  for name in hr hr-averaged liif pictures mix mix-averaged plain-masks inverse; do
    cp "$runs/$name/model.safetensors" "$runs/$name.safetensors" # its name in the table
    "$python" evaluate.py --model "$runs/$name.safetensors" --data "$tests/Set5" --scale 1.5 2 3 4 2.5x3.5 4x1.5 6 \
      --json "$runs/$name.json"
  done
done
"$python" recipes/seeds_page.py "$root"/seed* --against hr \
  --rows hr hr-averaged liif pictures mix mix-averaged plain-masks inverse >"$root/taught.csv"
