# SPDX-License-Identifier: GPL-2.0
"""The virtual machine: QEMU's command line, its process, and its channels."""

import ctypes
import fcntl
import os
import selectors
import signal
import subprocess
import time

from . import host
from .errors import VmError

QEMU = "qemu-system-x86_64"

# Not with five levels of page tables: while Linux 6.12 boots there is a moment
# when it takes its own addresses for bad, and an interrupt then is a report of
# KASAN or an oops. Page walks are cheaper with four, too.
TCG_CPU = "max,la57=off"

# What the guest's ports and the serial console carry; init.c knows the former.
PORTS = ("stdout", "stderr", "kmsg", "verdict")
CONSOLE = "console"

# Only warnings and worse go to the slow serial console; all else comes by the
# kmsg port. Trouble that stops the kernel, or that leaves it hanging, is made
# to end the machine at once. The stall limits suit an emulated, busy CPU.
KERNEL_ARGS = (
    "console=ttyS0", "loglevel=5", "log_buf_len=4M", "printk.devkmsg=on",
    "panic=-1", "oops=panic", "sysctl.kernel.hung_task_panic=1",
    "sysctl.kernel.hung_task_timeout_secs=60", "sysctl.kernel.softlockup_panic=1",
    "sysctl.kernel.watchdog_thresh=30", "sysctl.kernel.panic_on_rcu_stall=1",
    "rcupdate.rcu_cpu_stall_timeout=60",
)
# A sampling detector of use after free; its timer would cost virtual time.
KERNEL_ARGS_REAL_TIME = ("kfence.sample_interval=100",)
KERNEL_ARGS_ICOUNT = ("nokaslr",)

# Out of the way of the devices that --qemu adds, which start at slot 1.
PORTS_SLOT = "0x1e"

# select() takes no infinite time.
LONGEST_WAIT = 3600

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def _die_with_parent():
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def accelerator_args(accel, smp):
    if accel == "icount":
        # One instruction is one nanosecond, and idle time passes at once; the
        # clock and the random numbers do not come from the host.
        return ["-accel", "tcg", "-icount", "shift=0,sleep=off", "-smp", "1", "-cpu", TCG_CPU,
                "-rtc", "base=2024-01-01,clock=vm", "-seed", "1"]
    if accel == "kvm":
        return ["-accel", "kvm", "-smp", str(smp), "-cpu", "host"]
    return ["-accel", "tcg,thread=multi", "-smp", str(smp), "-cpu", TCG_CPU]


class Pipe:
    """
    What QEMU writes to and the runner reads from: large, since a guest that
    has to wait for the host makes no deterministic run.
    """

    SIZE = 1 << 20

    def __init__(self):
        self.read_end, self.write_end = os.pipe()
        try:
            fcntl.fcntl(self.write_end, fcntl.F_SETPIPE_SZ, self.SIZE)
        except PermissionError:
            pass    # more than an ordinary user may have just now
        self.path = f"/dev/fd/{self.write_end}"


def _initrd(data):
    fd = os.memfd_create("initramfs")
    with open(fd, "wb", closefd=False) as file:
        file.write(data)
    return fd


class Machine:
    """A running QEMU, and the pipes that bring what the guest tells."""

    def __init__(self, kernel, initramfs, *, accel, smp, mem, qemu_args, append, interactive):
        self.pipes = {name: Pipe() for name in PORTS}
        if not interactive:
            self.pipes[CONSOLE] = Pipe()
        self.errors = Pipe()
        initrd = _initrd(initramfs)
        argv = [host.need(QEMU), "-name", "vdpa-vm", "-M", "q35", *accelerator_args(accel, smp),
                "-m", str(mem), "-nodefaults", "-no-user-config", "-display", "none",
                "-no-reboot", "-kernel", str(kernel), "-initrd", f"/dev/fd/{initrd}",
                "-append", self._kernel_args(accel, append), *self._channel_args(), *qemu_args]
        self.process = subprocess.Popen(
            argv, stdin=None if interactive else subprocess.DEVNULL,
            stdout=None if interactive else self.errors.write_end, stderr=self.errors.write_end,
            pass_fds=[initrd, *(pipe.write_end for pipe in self.pipes.values())],
            preexec_fn=_die_with_parent)
        os.close(initrd)
        self.selector = selectors.DefaultSelector()
        for name, pipe in (*self.pipes.items(), ("qemu", self.errors)):
            os.close(pipe.write_end)
            self.selector.register(pipe.read_end, selectors.EVENT_READ, name)

    @staticmethod
    def _kernel_args(accel, append):
        own = KERNEL_ARGS_ICOUNT if accel == "icount" else KERNEL_ARGS_REAL_TIME
        return " ".join((*KERNEL_ARGS, *own, *append))

    def _channel_args(self):
        # Without ioeventfd, QEMU serves a port when the guest rings and not in
        # its own good time, which --icount would show.
        args = ["-device", f"virtio-serial-pci,addr={PORTS_SLOT},ioeventfd=off"]
        for name in PORTS:
            args += ["-chardev", f"file,id=vm.{name},path={self.pipes[name].path},append=on",
                     "-device", f"virtserialport,chardev=vm.{name},name=vm.{name}"]
        if CONSOLE in self.pipes:
            console = f"file,id=console,path={self.pipes[CONSOLE].path},append=on"
        else:
            console = "stdio,id=console,signal=off,mux=on"
        return [*args, "-chardev", console, "-serial", "chardev:console"]

    def events(self, deadline):
        """
        Yields (channel, data) as they come, ("qemu", data) for what QEMU itself
        complains about, and (None, None) when the time is up. Ends when the
        machine is gone and everything was read.
        """
        while self.selector.get_map():
            left = deadline - time.monotonic()
            ready = self.selector.select(min(max(left, 0), LONGEST_WAIT))
            if not ready and left <= 0:
                yield None, None
                return
            for key, _ in ready:
                data = os.read(key.fd, 65536)
                if data:
                    yield key.data, data
                else:
                    self.selector.unregister(key.fd)

    def stop(self):
        self.process.kill()
        self.process.wait()


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
