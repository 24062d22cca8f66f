# What both trainings of arbedsr-baseline share: their arguments, and how one run of the chain is started.
#
#   source recipes/common.sh LIIF.safetensors RUNS VALIDATION_DIR PHOTOS_DIR [PHOTOS_DIR ...]
python=${PYTHON:-.venv/bin/python}
liif=$1 runs=$2 validation=$3
shift 3
data=()
for folder in "$@"; do data+=(--data "$folder"); done

train() { # NAME CONFIG FLAG...: nothing where that run is finished; later flags win
  local name=$1 config=$2
  shift 2
  [ -e "$runs/$name/model.safetensors" ] || "$python" train.py --config "configs/$config" "${data[@]}" \
    --workdir "$runs/$name" --config.validation.folders="$validation" "${common[@]}" "$@"
}

teachers() { # the three teachers' files, as flags
  for x in 2 3 4; do echo "--config.teachers.x$x=$runs/x$x/model.safetensors"; done
}
