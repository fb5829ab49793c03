#!/bin/sh
# Install what some extras need into a virtual environment, as the images do: `install.sh VENV EXTRA...`.
# From the lock alone, wheels alone, hashes required. Where wheels lie in /wheels (WHEELS overrides), from there and
# from nowhere else. The environment gets no pip: nothing is installed into a running image.
set -eu
here=$(dirname "$0")
wheels=${WHEELS:-/wheels}
venv=$1
shift
work=$(mktemp -d)
python3 -m venv "$work/pip"
python3 -m venv --without-pip "$venv"
lock=${LOCK:-$here/../requirements.lock}
project=${PROJECT:-$here/../pyproject.toml}
python3 "$here/subset_lock.py" "$lock" "$project" "$@" > "$work/lock"
set -- --no-deps --require-hashes --only-binary :all: --no-cache-dir --disable-pip-version-check -r "$work/lock"
if ls "$wheels"/*.whl > /dev/null 2>&1; then
  # --isolated: no variable and no file of this machine adds another place to look in.
  set -- --isolated install --no-index --find-links "$wheels" "$@"
else
  set -- install "$@"
fi
"$work/pip/bin/python" -m pip --python "$venv/bin/python" "$@"
"$work/pip/bin/python" -m pip --python "$venv/bin/python" check
rm -rf "$work"
