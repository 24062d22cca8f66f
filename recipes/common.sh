# What chains of training runs share: their folders, and how one run is started.
#
#   source recipes/common.sh RUNS VALIDATION_DIR PHOTOS_DIR [PHOTOS_DIR ...]
python=${PYTHON:-.venv/bin/python}
runs=$1 validation=$2
shift 2
data=()
for folder in "$@"; do data+=(--data "$folder"); done

train() { # NAME CONFIG FLAG...: nothing where that run is finished; later flags win, and those of EXTRA come last
  # shellcheck disable=SC2206 (EXTRA is words)
  local name=$1 config=$2 extra=(${EXTRA:-})
  shift 2
  [ -e "$runs/$name/model.safetensors" ] || "$python" train.py --config "configs/$config" "${data[@]}" \
    --workdir "$runs/$name" --config.validation.folders="$validation" "${common[@]}" "$@" "${extra[@]}"
}

teachers() { # the three teachers' files, as flags
  for x in 2 3 4; do echo "--config.teachers.x$x=$runs/x$x/model.safetensors"; done
}

train_in_pieces() { # NAME CONFIG FLAG...: as train, for MINUTES; exit code 75 if that was not enough
  local before=$python code=0
  python=timed
  train "$@" || code=$?
  python=$before
  if [ "$code" = 143 ]; then
    echo "stopped after ${MINUTES:-9} minutes; start it again to go on"
    return 75
  fi
  return "$code"
}

timed() { timeout --signal=TERM --preserve-status "${MINUTES:-9}m" "${PYTHON:-.venv/bin/python}" "$@"; }
