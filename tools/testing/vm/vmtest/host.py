# SPDX-License-Identifier: GPL-2.0
"""The host: its programs, and the cache directory outside the checkout."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from contextlib import contextmanager
from pathlib import Path

from .errors import VmError

TREE = Path(__file__).resolve().parents[4]

# Where modprobe and its kin live, which the PATH of an ordinary user lacks.
SBIN = ("/usr/sbin", "/sbin")


def find(name):
    """The path of a program, or None."""
    path = os.environ.get("PATH", os.defpath)
    return shutil.which(name, path=os.pathsep.join((path, *SBIN)))


def need(name):
    path = find(name)
    if not path:
        raise VmError(f"{name} is missing; `make setup` tells what else is")
    return path


def output(*argv, **kwargs):
    """The standard output of a program that must succeed."""
    try:
        return subprocess.run(argv, check=True, text=True, capture_output=True,
                              **kwargs).stdout
    except subprocess.CalledProcessError as err:
        raise VmError(f"{' '.join(map(str, argv))}: {err.stderr.strip()}") from err


def cache_dir():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = Path(base) / "vdpa" / "vm"
    path.mkdir(parents=True, exist_ok=True)
    return path


@contextmanager
def cache_lock(name):
    """Lets one process at a time make the cache entry `name`."""
    with open(cache_dir() / f"{name}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def cached(name, make):
    """
    The cache entry `name`, made by make(path) if it is not there yet. It shows
    up under its name only when complete, whatever else runs at the same time.
    """
    path = cache_dir() / name
    if path.exists():
        return path
    with cache_lock(name):
        if not path.exists():
            with tempfile.TemporaryDirectory(dir=cache_dir()) as work:
                made = Path(work) / "made"
                make(made)
                made.rename(path)
    return path
