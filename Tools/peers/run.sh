#!/usr/bin/env bash
# Installs what Foretoken is compared with, once, in an environment of its own, and compares.
# Arguments are compare.py's. llama.cpp is compiled for this machine: 10 to 20 minutes and a C++
# compiler. What cannot be installed is named, and its cells stay empty.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
environment="${FORETOKEN_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/foretoken/peers}"
python="$environment/bin/python"
kept="$environment/requirements.txt"

[ -x "$python" ] || python3 -m venv --system-site-packages "$environment"
if ! cmp -s "$here/requirements.txt" "$kept"; then
  complete=1
  install() { "$python" -m pip install --quiet --disable-pip-version-check --retries 1 "$@"; }
  # One by one, so that a failure costs one peer. PyTorch's own index has it without CUDA.
  for package in $(grep -v '^#' "$here/requirements.txt"); do
    case $package in
      torch*) install --index-url https://download.pytorch.org/whl/cpu "$package" \
        || install "$package" ;;
      *) install "$package" ;;
    esac || { echo "$package was not installed (see above)" >&2; complete=0; }
  done
  if [ $complete = 1 ]; then cp "$here/requirements.txt" "$kept"; fi
fi
exec "$python" "$here/compare.py" "$@"
