# SPDX-License-Identifier: GPL-2.0
"""The guest's file system: a cpio archive, written without root or tools."""

import hashlib
import os
import re
import stat
import subprocess
from pathlib import Path

from . import host, modules as modules_
from .errors import VmError

ORDERS_DIR = "/etc/vm"
SELFTESTS = "tools/testing/selftests/vdpa"
# What a build leaves, and reads, beside the tests.
RESIDUE_SUFFIXES = (".c", ".h", ".o", ".a", ".d", ".ko", ".mod", ".cmd", ".order", ".symvers")
RESIDUE_NAMES = ("Makefile", "Kbuild", "Kconfig", "config", ".gitignore")
RESIDUE_DIR = "kselftest_install"

# Real programs of the host; busybox stands in for all others. dash and bash
# are the shells because busybox's prefers its own applets to these.
PROGRAMS = {
    "dash": "/usr/bin/dash",
    "bash": "/usr/bin/bash",
    "kmod": "/usr/bin/kmod",
    "ip": "/usr/sbin/ip",
    "ethtool": "/usr/sbin/ethtool",
    "mke2fs": "/usr/sbin/mke2fs",
    "e2fsck": "/usr/sbin/e2fsck",
    "blkdiscard": "/usr/sbin/blkdiscard",
}
LINKS = {"/usr/bin/sh": "dash", "/init": "usr/sbin/init"}
KMOD_LINKS = ("modprobe", "insmod", "rmmod", "lsmod", "modinfo", "depmod")

TEXTS = {
    "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\n"
                   "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    "/etc/group": "root:x:0:\nnogroup:x:65534:\n",
    "/etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
    "/etc/profile": "PS1='vm:\\w\\$ '\n",
}

# The directories that the dynamic linker looks into unasked.
LINKER_DIRS = ("/lib", "/usr/lib", "/lib64", "/usr/lib64", "/lib/x86_64-linux-gnu",
               "/usr/lib/x86_64-linux-gnu")
LINKER_DIR = "/usr/lib/x86_64-linux-gnu"


class Cpio:
    """An archive in the "newc" format, see Documentation/driver-api/early-userspace."""

    def __init__(self):
        self.out = bytearray()
        self.inode = 0
        self.seen = set()

    def entry(self, path, mode, data=b"", rdev=(0, 0)):
        name = path.lstrip("/").encode() + b"\0"
        self.inode += 1
        fields = (self.inode, mode, 0, 0, 1, 0, len(data), 0, 0, *rdev, len(name), 0)
        self.out += b"070701" + b"".join(b"%08X" % field for field in fields) + name
        self.out += b"\0" * (-len(self.out) % 4) + data
        self.out += b"\0" * (-len(self.out) % 4)
        self.seen.add(path)

    def finish(self):
        self.entry("TRAILER!!!", 0)
        return bytes(self.out)


class Tree:
    """The files of the guest, by their path in it, before they are archived."""

    def __init__(self):
        self.nodes = {}
        self.programs = []
        for name in ("bin", "sbin", "lib", "lib64"):
            self.nodes[f"/{name}"] = (stat.S_IFLNK | 0o777, f"usr/{name}")
        for name in ("dev", "proc", "sys", "run", "root", "mnt", "var", "usr/bin",
                     "usr/sbin", "usr/lib", "usr/lib64"):
            self.directory(f"/{name}")
        self.nodes["/tmp"] = (stat.S_IFDIR | 0o1777, b"")
        self.nodes["/var/run"] = (stat.S_IFLNK | 0o777, "/run")

    @staticmethod
    def normal(path):
        """/bin, /sbin and /lib* are links into /usr, as on the host."""
        path = os.path.normpath(path)
        return re.sub(r"^/+(bin|sbin|lib|lib64)/", r"/usr/\1/", path)

    def directory(self, path):
        while path != "/" and path not in self.nodes:
            self.nodes[path] = (stat.S_IFDIR | 0o755, b"")
            path = os.path.dirname(path)

    def put(self, path, mode, content):
        """`content`: bytes, a Path to copy, or the str a link points to."""
        path = self.normal(path)
        self.directory(os.path.dirname(path))
        self.nodes[path] = (mode, content)

    def link(self, path, target):
        self.put(path, stat.S_IFLNK | 0o777, target)

    def text(self, path, text, mode=0o644):
        self.put(path, stat.S_IFREG | mode, text.encode())

    def file(self, path, source):
        """Copies a file of the host, with the shared libraries it needs."""
        mode = 0o755 if os.access(source, os.X_OK) else 0o644
        self.put(path, stat.S_IFREG | mode, Path(source))
        with open(source, "rb") as file:
            if file.read(4) == b"\x7fELF":
                self.programs.append(str(source))

    def files(self, path, source):
        """Copies a file, or a directory with all that is in it."""
        source = Path(source)
        if not source.is_dir():
            self.file(path, source)
            return
        self.directory(self.normal(path))
        for entry in source.rglob("*"):
            inside = f"{path}/{entry.relative_to(source)}"
            if entry.is_symlink():
                self.link(inside, os.readlink(entry))
            elif entry.is_dir():
                self.directory(self.normal(inside))
            elif entry.is_file():
                self.file(inside, entry)

    def add_libraries(self):
        """Adds what the programs so far are linked with."""
        for path in shared_libraries(self.programs):
            target = self.normal(path)
            if target not in self.nodes:
                self.put(target, stat.S_IFREG | 0o755, Path(path))
            if os.path.dirname(path) not in LINKER_DIRS:
                self.nodes.setdefault(f"{LINKER_DIR}/{os.path.basename(path)}",
                                      (stat.S_IFLNK | 0o777, target))
        self.directory(LINKER_DIR)

    def archive(self):
        cpio = Cpio()
        # The kernel opens it for process 1 before that can mount anything.
        self.nodes["/dev/console"] = (stat.S_IFCHR | 0o600, b"")
        for path in sorted(self.nodes):
            mode, content = self.nodes[path]
            if isinstance(content, Path):
                content = content.read_bytes()
            elif isinstance(content, str):
                content = content.encode()
            cpio.entry(path, mode, content, (5, 1) if stat.S_ISCHR(mode) else (0, 0))
        return cpio.finish()


def shared_libraries(programs):
    """The paths of all libraries, and loaders, that the programs are linked with."""
    if not programs:
        return []
    # ldd fails for those that are linked statically, but tells of the others.
    ldd = subprocess.run([host.need("ldd"), *programs], text=True, check=False,
                         capture_output=True)
    missing = re.findall(r"^\t(\S+) => not found", ldd.stdout, re.M)
    if missing:
        raise VmError(f"shared libraries are missing on the host: {' '.join(sorted(set(missing)))}")
    return sorted(set(re.findall(r"^\t(?:\S+ => )?(/\S+) \(0x", ldd.stdout, re.M)))


def guest_init():
    """Process 1 of the guest, compiled once per version of its source."""
    source = Path(__file__).parent.parent / "init.c"
    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    return host.cached(f"init-{digest}", lambda path: host.output(
        host.need("gcc"), "-O2", "-static", "-o", path, source))


def _add_base(tree):
    busybox = host.need("busybox")
    for applet in host.output(busybox, "--list").split():
        tree.link(f"/usr/bin/{applet}", "busybox")
    tree.file("/usr/bin/busybox", busybox)
    for name, path in PROGRAMS.items():
        # The applet of that name must not come first in the guest's PATH.
        tree.nodes.pop(f"/usr/bin/{name}", None)
        tree.file(path, host.need(name))
    for name in KMOD_LINKS:
        tree.nodes.pop(f"/usr/bin/{name}", None)
        tree.link(f"/usr/sbin/{name}", "../bin/kmod")
    for path, target in LINKS.items():
        tree.link(path, target)
    for path, text in TEXTS.items():
        tree.text(path, text)
    tree.nodes.pop("/usr/bin/init", None)
    tree.file("/usr/sbin/init", guest_init())


def _add_tools(tree):
    ours = host.TREE / "tools/vdpa/vdpa"
    if ours.exists():
        tree.file("/usr/sbin/vdpa", ours)
        tree.file("/usr/lib/vdpa/vdpa-restore", host.TREE / "tools/vdpa/systemd/vdpa-restore")
    theirs = next((p for p in ("/usr/sbin/vdpa", "/sbin/vdpa") if os.path.exists(p)), None)
    if theirs:
        tree.file("/usr/sbin/vdpa-iproute2", theirs)


def _add_selftests(tree):
    top = host.TREE / SELFTESTS
    for path in sorted(top.rglob("*")):
        if (path.is_file() and RESIDUE_DIR not in path.parts and
                path.name not in RESIDUE_NAMES and not path.name.endswith(RESIDUE_SUFFIXES)):
            tree.file(f"/selftests/vdpa/{path.relative_to(top)}", path)


def _add_modules(tree, modules):
    with modules_.temporary_tree(modules) as top:
        for path in Path(top).rglob("*"):
            if path.is_file():
                tree.put(f"/{path.relative_to(top)}", stat.S_IFREG | 0o644, path.read_bytes())
    tree.text(f"{ORDERS_DIR}/modules", "\n".join(modules.load) + "\n")


def build(modules, files, orders):
    """
    The archive with everything in it. `files` are (host, guest) pairs of paths,
    `orders` what init is told: file names below ORDERS_DIR and their texts.
    Without `modules`, none are there and none is loaded.
    """
    tree = Tree()
    _add_base(tree)
    _add_tools(tree)
    _add_selftests(tree)
    if modules:
        _add_modules(tree, modules)
    for source, target in files:
        tree.files(target, source)
    for name, text in orders.items():
        tree.text(f"{ORDERS_DIR}/{name}", text)
    tree.add_libraries()
    return tree.archive()
