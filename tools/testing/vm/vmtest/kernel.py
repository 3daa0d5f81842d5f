# SPDX-License-Identifier: GPL-2.0
"""The kernel image to boot."""

import mmap
import re
import subprocess
from pathlib import Path

from .errors import VmError

STOCK_IMAGES = "vmlinuz-6.12*-cloud-amd64"

# What tools/build/test-kernel makes, and where it leaves it, with the modules
TEST_IMAGES = {"debug": "bzImage", "kcsan": "bzImage", "uml": "linux"}
BUILD = Path(__file__).resolve().parents[4] / "build"

# Documentation/arch/x86/boot.rst: the header's magic, and where it keeps the
# offset (less 0x200) of the version string.
HEADER_MAGIC, HEADER_MAGIC_AT = b"HdrS", 0x202
VERSION_OFFSET_AT = 0x20e

# A User Mode Linux is an ELF program that has this in its --help.
ELF_MAGIC = b"\x7fELF"
UML_MARK = b"User Mode Linux v%s\n"


class Kernel:
    """
    A bzImage, or a program that is a User Mode Linux (`uml`), and its release,
    as uname -r would print it.
    """

    def __init__(self, path):
        self.path = Path(path).absolute()
        try:
            with open(self.path, "rb") as image:
                head = image.read(0x8000)
                self.uml = head.startswith(ELF_MAGIC) and _contains(image, UML_MARK)
        except OSError as err:
            raise VmError(f"cannot read the kernel image {self.path}: {err.strerror}") from err
        self.release = self._ask_release() if self.uml else self._read_release(head)

    def _ask_release(self):
        try:
            return subprocess.run([self.path, "--version"], check=True, text=True, timeout=10,
                                  stdin=subprocess.DEVNULL, capture_output=True).stdout.strip()
        except (OSError, subprocess.SubprocessError) as err:
            raise VmError(f"{self.path} does not run on this host: {err}") from err

    def _read_release(self, head):
        if head[HEADER_MAGIC_AT:HEADER_MAGIC_AT + 4] != HEADER_MAGIC:
            raise VmError(f"{self.path} is neither an x86 bzImage nor a User Mode Linux")
        start = 0x200 + int.from_bytes(head[VERSION_OFFSET_AT:VERSION_OFFSET_AT + 2], "little")
        return head[start:head.index(b"\0", start)].split()[0].decode("ascii", "replace")


def _contains(file, text):
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return data.find(text) >= 0


def test_kernel(name):
    """One of ours for tests, by its name, and the directory of its modules."""
    image = BUILD / name / TEST_IMAGES[name]
    if not image.exists():
        raise VmError(f"--kernel {name}: there is no {image}; "
                      f"`tools/build/test-kernel {name}` makes it")
    return Kernel(image), str(BUILD / name / "modules")


def newest_stock():
    """The newest of Debian's 6.12 cloud kernels that are installed."""
    images = sorted(Path("/boot").glob(STOCK_IMAGES), key=_version_key)
    if not images:
        raise VmError(f"there is no /boot/{STOCK_IMAGES}; `make setup` installs one, "
                      "--kernel names another")
    return Kernel(images[-1])


def _version_key(path):
    return [(1, int(part), "") if part.isdigit() else (0, 0, part)
            for part in re.split(r"(\d+)", path.name)]
