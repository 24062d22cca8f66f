#!/usr/bin/env bash
# The tables of docs/results.md: scores of the shipped models under protocol standard.
#
#   recipes/results.sh DATA OUT     DATA holds Set5/ and B100/
#
# A second start goes on where the first one stopped.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
data=$1 out=$2
models=(arbedsr-tiny arbedsr-baseline)

for model in "${models[@]}"; do
  "$python" evaluate.py --model "$model" --data "$data/Set5" "$data/B100" --sweep integer --json "$out/$model-integer.json"
  "$python" evaluate.py --model "$model" --data "$data/Set5" --scale 1.5 2 2.5 3 3.5 4 2.5x3.5 4x1.5 1.5x4 \
    --json "$out/$model-chosen.json"
  for sweep in seen unseen large asymmetric; do
    "$python" evaluate.py --model "$model" --data "$data/Set5" --sweep "$sweep" --json "$out/$model-$sweep.json"
  done
done
for sweep in integer chosen seen unseen large asymmetric; do
  files=("${models[@]/%/-$sweep.json}")
  "$python" -m arbsr_jax report "${files[@]/#/$out/}" --markdown "$out/$sweep.md"
done
"$python" recipes/results_page.py "$out" >"$out/results.md"
