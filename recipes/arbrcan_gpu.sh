#!/usr/bin/env bash
# ArbRCAN (16 M parameters) on one H100 or H200: as recipes/arbedsr_gpu.sh, with the same arguments.
set -euo pipefail
NAME=${NAME:-arbrcan} CONFIG=${CONFIG:-arbrcan.py} exec "$(dirname "$0")/arbedsr_gpu.sh" "$@"
