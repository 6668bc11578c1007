#!/usr/bin/env bash
# A quarter of an hour on one GPU: processors render views, the GPU trains on them as they come.
#
#   bash training/on_gpu.sh render          starts the renderers in the background and returns
#   bash training/on_gpu.sh train MINUTES   trains while they render; weights and progress go to $OUT
#
# The machine needs Python with torch, numpy, scipy, OpenCV and safetensors, and lies behind transfers of 64 MiB, so that bodies
# (training.views.bodies) come in several: data/bodies, data/shapes and wheels/ (embreex, threadpoolctl) are carried there.
# DEVICE=cpu WORKERS=1 BATCH=2 SIZES=64 try it anywhere.
set -euo pipefail
cd "$(dirname "$0")/.."
site=${SITE:-/tmp/relamp-site}
views=${VIEWS:-/tmp/relamp-views}
out=${OUT:-renders/gpu}
python=${PYTHON:-python3}
mkdir -p "$site/relamp" "$views" "$out"
ln -sfn "$PWD/core" "$site/relamp/core"
ln -sfn "$PWD/training" "$site/relamp/training"
for wheel in wheels/*.whl; do
  [ -e "$wheel" ] && $python -m zipfile -e "$wheel" "$site"
done
export PYTHONPATH="$site" PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1

case "$1" in
render)
  OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 setsid nohup $python -m relamp.training.views.render --out "$views" \
    --count "${COUNT:-60000}" --workers "${WORKERS:-$(($(nproc) - 2))}" >"$views/render.log" 2>&1 </dev/null &
  sleep 2
  cat "$views/render.log"
  ;;
train)
  $python -m relamp.training.shape.train --views "$views" --out "$out" --minutes "$2" --device "${DEVICE:-cuda}" \
    --batch "${BATCH:-96}" --most "${MOST:-32000}" --wait "${WAIT:-5}" ${SIZES:+--sizes $SIZES} ${START:+--start "$START"} 2>&1 | tee "$out/log"
  tail -n 3 "$views/render.log"
  ;;
esac
