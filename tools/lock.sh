#!/bin/sh
# Resolve the lock anew for every supported Python. uv can do that; it lives in an environment of its own
# that goes when this ends. Extras stay in it: pip 23 looks for `coverage[toml]` and takes the newest of it,
# unhashed, where the lock pins only `coverage`. Usage: lock.sh LOCK
set -eu
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
.venv/bin/python -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install --quiet --disable-pip-version-check uv
"$scratch/venv/bin/uv" pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-strip-extras \
    --no-emit-index-url --no-header pyproject.toml requirements/dev.in -o "$1"
