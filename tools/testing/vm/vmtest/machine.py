# SPDX-License-Identifier: GPL-2.0
"""What all machines have in common: a process of the host, and its channels."""

import ctypes
import fcntl
import os
import selectors
import signal
import subprocess
import time

# What the guest's ports and its console carry; init.c knows the former.
PORTS = ("stdout", "stderr", "data", "kmsg", "verdict")
CONSOLE = "console"
# What the program that is the machine complains about.
COMPLAINTS = "complaints"

# Only warnings and worse go to the slow console; all else comes by the kmsg
# port. Trouble that stops the kernel, or that leaves it hanging, is made to end
# the machine at once. The stall limits suit an emulated, busy CPU.
KERNEL_ARGS = (
    "loglevel=5", "log_buf_len=4M", "printk.devkmsg=on",
    "panic=-1", "oops=panic", "no_console_suspend", "sysctl.kernel.hung_task_panic=1",
    "sysctl.kernel.hung_task_timeout_secs=60", "sysctl.kernel.softlockup_panic=1",
    "sysctl.kernel.watchdog_thresh=30", "sysctl.kernel.panic_on_rcu_stall=1",
    "rcupdate.rcu_cpu_stall_timeout=60",
)

# select() takes no infinite time.
LONGEST_WAIT = 3600

PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)


def _die_with_parent():
    _LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Pipe:
    """
    What the machine writes to and the runner reads from: large, since a guest
    that has to wait for the host makes no deterministic run.
    """

    SIZE = 1 << 20

    def __init__(self):
        self.read_end, self.write_end = os.pipe()
        try:
            fcntl.fcntl(self.write_end, fcntl.F_SETPIPE_SZ, self.SIZE)
        except PermissionError:
            pass    # more than an ordinary user may have just now
        self.path = f"/dev/fd/{self.write_end}"


class Machine:
    """
    A machine, and the pipes that bring what the guest tells. Those of the
    inheriting classes prepare the command line and then start() it.
    """

    def __init__(self, initramfs, interactive):
        self.interactive = interactive
        self.pipes = {name: Pipe() for name in PORTS}
        if not interactive:
            self.pipes[CONSOLE] = Pipe()
        self.pipes[COMPLAINTS] = Pipe()
        self.initrd = os.memfd_create("initramfs")
        with open(self.initrd, "wb", closefd=False) as file:
            file.write(initramfs)
        self.process = None
        self.selector = selectors.DefaultSelector()

    def initrd_path(self):
        return f"/dev/fd/{self.initrd}"

    def start(self, argv, **how):
        """Runs `argv`; `how` is for Popen()."""
        complaints = self.pipes[COMPLAINTS].write_end
        self.process = subprocess.Popen(
            argv, stdin=None if self.interactive else subprocess.DEVNULL,
            stdout=None if self.interactive else complaints, stderr=complaints,
            pass_fds=[self.initrd, *(pipe.write_end for pipe in self.pipes.values())],
            preexec_fn=_die_with_parent, **how)
        os.close(self.initrd)
        for name, pipe in self.pipes.items():
            os.close(pipe.write_end)
            self.selector.register(pipe.read_end, selectors.EVENT_READ, name)

    def events(self, deadline):
        """
        Yields (channel, data) as they come, and (None, None) when the time is
        up. Ends when the machine is gone and everything was read.
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
