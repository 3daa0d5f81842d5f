# SPDX-License-Identifier: GPL-2.0
"""The kernel image to boot."""

import re
from pathlib import Path

from .errors import VmError

STOCK_IMAGES = "vmlinuz-6.12*-cloud-amd64"

# Documentation/arch/x86/boot.rst: the header's magic, and where it keeps the
# offset (less 0x200) of the version string.
HEADER_MAGIC, HEADER_MAGIC_AT = b"HdrS", 0x202
VERSION_OFFSET_AT = 0x20e


class Kernel:
    """A bzImage and its release, as uname -r would print it."""

    def __init__(self, path):
        self.path = Path(path)
        self.release = self._read_release()

    def _read_release(self):
        try:
            with open(self.path, "rb") as image:
                head = image.read(0x8000)
        except OSError as err:
            raise VmError(f"cannot read the kernel image {self.path}: {err.strerror}") from err
        if head[HEADER_MAGIC_AT:HEADER_MAGIC_AT + 4] != HEADER_MAGIC:
            raise VmError(f"{self.path} is not an x86 bzImage")
        start = 0x200 + int.from_bytes(head[VERSION_OFFSET_AT:VERSION_OFFSET_AT + 2], "little")
        return head[start:head.index(b"\0", start)].split()[0].decode("ascii", "replace")


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
