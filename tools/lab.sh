#!/bin/sh
# Opens JupyterLab on the first lecture. Arguments go to `jupyter lab`.
set -eu
options=""
# Jupyter refuses to run as root unless told that this is meant (containers, class servers).
[ "$(id -u)" = 0 ] && options="$options --allow-root"
# Without a display there is no browser to open: Jupyter then prints the address.
if [ "$(uname)" = Linux ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    options="$options --no-browser"
fi
# Only the kernel of this environment is offered, and it goes before one of the same name in the user's home: any other
# has no visionlab.
export JUPYTER_PREFER_ENV_PATH=1
options="$options --KernelSpecManager.allowed_kernelspecs=python3"
# Programs of an environment name its Python by its path, which is wrong once the folder is called otherwise.
program=$(command -v jupyter || true)
interpreter=$([ -z "$program" ] || sed -n '1s/^#! *\([^ ]*\).*/\1/p' "$program")
if [ ! -x "${interpreter:-$program}" ]; then
    echo "The environment does not work here. Was the course's folder moved or renamed? Run: make clean, then make lab" >&2
    exit 1
fi
exec jupyter lab $options --LabApp.default_url=/lab/tree/lectures/00_start_here.ipynb "$@"
