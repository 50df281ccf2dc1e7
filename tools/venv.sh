#!/bin/sh
# Make .venv/ from the lock, with hashes, on a machine that has only Python. Usage: venv.sh LOCK STAMP
set -eu
lock=$1 stamp=$2
bin=.venv/bin

newest_python() {
    for candidate in python3.13 python3.12 python3.11 python3; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
    echo "make: Blueshift needs Python 3.11 or newer, and no python3.13, python3.12, python3.11 or python3" >&2
    echo "make: here is that. On Debian 12, Ubuntu 24.04 or newer: apt-get install python3" >&2
    exit 1
}

# Debian ships Python without ensurepip; the package that has it carries Python's version in its name.
install_venv_module() {
    package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    sudo=
    if [ "$(id -u)" != 0 ]; then
        sudo=sudo
    fi
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "make: this Python has no ensurepip; install your system's $package" >&2
        exit 1
    fi
    echo "make: installing $package, which this Python needs to make an environment"
    $sudo apt-get update -q
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$package"
}

# An environment whose Python has gone (a system upgrade) is made anew.
if ! "$bin/python" -m pip --version >/dev/null 2>&1; then
    python=$(newest_python)
    "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 || install_venv_module "$python"
    "$python" -m venv --clear .venv
fi
export PIP_DISABLE_PIP_VERSION_CHECK=1
"$bin/python" -m pip install --quiet --require-hashes -r "$lock"
"$bin/python" -m pip install --quiet --no-deps --no-build-isolation -e .
touch "$stamp"
