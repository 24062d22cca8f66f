# What chains of training runs share: their folders, and how one run is started.
#
#   source recipes/common.sh RUNS VALIDATION_DIR PHOTOS_DIR [PHOTOS_DIR ...]
python=${PYTHON:-.venv/bin/python}
runs=$1 validation=$2
shift 2
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
