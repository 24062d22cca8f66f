#!/usr/bin/env bash
# All that training needs on a machine that reaches no package index: this checkout, wheels, pictures; in pieces below 60 MB.
#
#   PYTHON=python3.12 recipes/pack.sh PICTURES OUT      an interpreter of the version there, which has jax with CUDA already
#
# There: `bash OUT/unpack.sh TARGET` puts the pieces together and checks them, makes TARGET/.venv on top of the packages that
# are there, and says how to start. OUT/contents.txt lists what is inside.
set -euo pipefail
cd "$(dirname "$0")/.."
pictures=$1 out=$2
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir "$work/tree" "$work/wheels"
git archive HEAD | tar -x -C "$work/tree"
"${PYTHON:-.venv/bin/python}" -m pip wheel --quiet --disable-pip-version-check --wheel-dir "$work/wheels" ".[train]"
rm -f "$work"/wheels/jax-* "$work"/wheels/jaxlib-* "$work"/wheels/nvidia* # they are there, with CUDA
cp -r "$pictures" "$work/pictures"

tar -cf - -C "$work" tree wheels pictures | split -b 58M -d -a 3 - "$out/piece."
(cd "$work" && find tree wheels pictures -type f -printf '%s %p\n' | sort -k2) >"$out/contents.txt"
(cd "$out" && sha256sum piece.* >sha256.txt)
cat >"$out/unpack.sh" <<'U'
#!/usr/bin/env bash
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd) target=$1
(cd "$here" && sha256sum --quiet -c sha256.txt)
mkdir -p "$target"
cat "$here"/piece.* | tar -x -C "$target"
python3 -m venv --system-site-packages "$target/.venv"
"$target/.venv/bin/python" -m pip install --quiet --no-index --no-deps --find-links "$target/wheels" "$target"/wheels/*.whl
echo "start, until it ends with 0: PYTHON=$target/.venv/bin/python $target/tree/recipes/arbedsr_gpu.sh $target/runs $target/pictures"
U
du -ch "$out"/piece.* | tail -1
