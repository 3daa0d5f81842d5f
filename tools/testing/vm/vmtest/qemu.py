# SPDX-License-Identifier: GPL-2.0
"""The virtual machine that is QEMU: its command line, and whether KVM is of use."""

import os

from . import host, machine
from .errors import VmError

QEMU = "qemu-system-x86_64"
GUEST_CONSOLE = "/dev/ttyS0"

# Not with five levels of page tables: while Linux 6.12 boots there is a moment
# when it takes its own addresses for bad, and an interrupt then is a report of
# KASAN or an oops. Page walks are cheaper with four, too.
TCG_CPU = "max,la57=off"

# A sampling detector of use after free; its timer would cost virtual time.
KERNEL_ARGS_REAL_TIME = ("kfence.sample_interval=100",)
KERNEL_ARGS_ICOUNT = ("nokaslr",)

# Out of the way of the devices that --qemu adds, which start at slot 1.
PORTS_SLOT = "0x1e"


def accelerator_args(accel, smp):
    if accel == "icount":
        # One instruction is one nanosecond, and idle time passes at once; the
        # clock and the random numbers do not come from the host.
        return ["-accel", "tcg", "-icount", "shift=0,sleep=off", "-smp", "1", "-cpu", TCG_CPU,
                "-rtc", "base=2024-01-01,clock=vm", "-seed", "1"]
    if accel == "kvm":
        return ["-accel", "kvm", "-smp", str(smp), "-cpu", "host"]
    return ["-accel", "tcg,thread=multi", "-smp", str(smp), "-cpu", TCG_CPU]


class Machine(machine.Machine):
    """A running QEMU."""

    def __init__(self, kernel, initramfs, *, accel, smp, mem, qemu_args, append, interactive):
        super().__init__(initramfs, interactive)
        self.start([host.need(QEMU), "-name", "vdpa-vm", "-M", "q35",
                    *accelerator_args(accel, smp),
                    "-m", str(mem), "-nodefaults", "-no-user-config", "-display", "none",
                    "-no-reboot", "-kernel", str(kernel), "-initrd", self.initrd_path(),
                    "-append", self._kernel_args(accel, append), *self._channel_args(),
                    *qemu_args])

    @staticmethod
    def _kernel_args(accel, append):
        own = KERNEL_ARGS_ICOUNT if accel == "icount" else KERNEL_ARGS_REAL_TIME
        return " ".join(("console=ttyS0", *machine.KERNEL_ARGS, *own, *append))

    def _channel_args(self):
        # Without ioeventfd, QEMU serves a port when the guest rings and not in
        # its own good time, which --icount would show.
        args = ["-device", f"virtio-serial-pci,addr={PORTS_SLOT},ioeventfd=off"]
        for name in machine.PORTS:
            args += ["-chardev", f"file,id=vm.{name},path={self.pipes[name].path},append=on",
                     "-device", f"virtserialport,chardev=vm.{name},name=vm.{name}"]
        if self.interactive:
            console = "stdio,id=console,signal=off,mux=on"
        else:
            console = f"file,id=console,path={self.pipes[machine.CONSOLE].path},append=on"
        return [*args, "-chardev", console, "-serial", "chardev:console"]


def kvm_works(probe):
    """
    Whether KVM is of use. /dev/kvm may be there and yet not work, as in some
    containers and nested machines: probe(), which boots a guest, decides. The
    answer holds until the host boots again.
    """
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        name = f"kvm-{file.read().strip()}"

    def make(path):
        for old in host.cache_dir().glob("kvm-*"):
            if not old.name.startswith(name):
                old.unlink()
        try:
            works = probe()
        except VmError:
            works = False
        path.write_text("yes" if works else "no", encoding="ascii")

    return host.cached(name, make).read_text(encoding="ascii") == "yes"
