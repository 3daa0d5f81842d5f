# SPDX-License-Identifier: GPL-2.0
"""The kernel modules that the guest has, and which of them it loads."""

import lzma
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from . import host
from .errors import VmError

# The subsystem as the stock kernel has it: exactly what ours replaces, so that
# no guest has both, and modprobe cannot mix them.
SUBSYSTEM = ("vdpa", "vduse", "vhost_vdpa", "virtio_vdpa", "vp_vdpa", "ifcvf", "mlx5_vdpa",
             "vdpa_sim", "vdpa_sim_net", "vdpa_sim_blk")

# Loaded before the command runs, in this order, where they exist. Bus drivers
# of ours are left to the tests: a new device binds to the one loaded first.
LOAD_STOCK = ("vdpa", "vduse", "vhost_vdpa", "virtio_vdpa")
LOAD_OURS = ("vdpa", "vdpa_sim", "vdpa_sim_net")

# Stock modules at hand in every guest, with all that they depend on.
EXTRA = ("vhost_iotlb", "irqbypass", "iova", "virtio_net", "virtio_blk", "virtio_rng", "tun",
         "veth", "dummy", "bridge", "macvtap", "vhost_net", "8021q")

OUR_DIRS = ("drivers/vdpa", "tools/testing/selftests")

DECOMPRESSORS = {
    ".xz": lzma.decompress,
    ".zst": lambda data: subprocess.run([host.need("zstd"), "-dc"], input=data, check=True,
                                        stdout=subprocess.PIPE).stdout,
}


def module_name(path):
    return os.path.basename(path).split(".ko")[0].replace("-", "_")


def find_modules(top):
    return sorted(p for p in Path(top).rglob("*.ko*")
                  if p.name.endswith((".ko", ".ko.xz", ".ko.zst")))


def modinfo(path, field):
    return host.output(host.need("modinfo"), "-F", field, path).strip()


class StockModules:
    """What /lib/modules holds for one kernel release."""

    def __init__(self, release):
        self.dir = Path("/lib/modules") / release
        self.deps = {}
        try:
            text = (self.dir / "modules.dep").read_text("ascii")
        except OSError:
            return
        for line in text.splitlines():
            path, _, deps = line.partition(":")
            self.deps[module_name(path)] = (path, [module_name(d) for d in deps.split()])

    def closure(self, names):
        """The paths of those of `names` that exist, and of all they need."""
        found, todo = {}, list(names)
        while todo:
            name = todo.pop()
            if name in self.deps and name not in found:
                path, deps = self.deps[name]
                found[name] = self.dir / path
                todo += deps
        return found


class ModuleSet:
    """Modules by name, and the ordered names of those to load."""

    def __init__(self, release, updates, load):
        """`updates` are paths by name; all that they need is added."""
        stock = StockModules(release)
        self.release = release
        self.updates = updates
        self.stock_dir = stock.dir
        needed = [dep for path in updates.values()
                  for dep in modinfo(path, "depends").replace("-", "_").split(",")]
        keep = (*EXTRA, *needed)
        if not updates:
            keep += SUBSYSTEM
        self.stock = {name: path for name, path in stock.closure(keep).items()
                      if name not in updates and not (updates and name in SUBSYSTEM)}
        self.load = [name for name in load if name in self.updates or name in self.stock]

    def write_tree(self, top):
        """Lays /lib/modules/RELEASE out below `top` and runs depmod on it."""
        base = Path(top) / "lib/modules" / self.release
        (base / "updates").mkdir(parents=True)
        for path in self.updates.values():
            _install(path, base / "updates")
        if self.updates:
            _strip(base / "updates")
        for path in self.stock.values():
            where = (base / path.relative_to(self.stock_dir)).parent
            where.mkdir(parents=True, exist_ok=True)
            _install(path, where)
        for name in ("modules.builtin", "modules.builtin.modinfo", "modules.order"):
            if (self.stock_dir / name).exists():
                shutil.copy(self.stock_dir / name, base)
        host.output(host.need("depmod"), "-b", top, self.release)
        return base


def _install(path, where):
    """Copies a module, unpacked: that is slow in an emulated guest."""
    data = path.read_bytes()
    name = path.name
    for suffix, decompress in DECOMPRESSORS.items():
        if name.endswith(suffix):
            data, name = decompress(data), name[:-len(suffix)]
    (where / name).write_bytes(data)


def _strip(where):
    """Drops debug information, which makes most of a module just built."""
    strip = host.find("strip")
    if strip:
        host.output(strip, "--strip-debug", *where.iterdir())


def _own(dirs, release, what):
    updates = {module_name(p): p for top in dirs for p in find_modules(top)}
    for path in updates.values():
        built_for = modinfo(path, "vermagic").split()[0]
        if built_for != release:
            raise VmError(f"{path} is built for Linux {built_for}, but the guest would run "
                          f"{release}: rebuild {what}, or choose another --kernel")
    return updates


def choose(which, release):
    """The ModuleSet for --modules `which`."""
    if which == "stock":
        modules = ModuleSet(release, {}, LOAD_STOCK)
        if not modules.load:
            raise VmError(f"/lib/modules/{release} has no vdpa module; --modules stock needs one")
        return modules
    if which == "ours":
        updates = _own([host.TREE / d for d in OUR_DIRS], release, "with `make modules`")
        if "vdpa" not in updates:
            raise VmError("our modules are not built: run `make modules` first, "
                          "or choose --modules stock")
    else:
        if not os.path.isdir(which):
            raise VmError(f"--modules {which}: neither ours nor stock, and no directory")
        updates = _own([which], release, "them")
        if not updates:
            raise VmError(f"--modules {which}: there is no module in it")
    return ModuleSet(release, updates, LOAD_OURS)


def temporary_tree(modules):
    """A context manager whose value is a directory with the modules' tree."""
    work = tempfile.TemporaryDirectory(prefix="vdpa-vm-")
    modules.write_tree(work.name)
    return work
