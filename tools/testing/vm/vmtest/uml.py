# SPDX-License-Identifier: GPL-2.0
"""The machine that is a kernel in User Mode Linux: a program of the host."""

import os
import signal
import tempfile

from . import machine
from .errors import VmError

# It keeps the guest's memory in a file there, unlinked, which it executes from.
MEMORY_DIRS = ("/dev/shm", "/run/user/{uid}", "/tmp", "/var/tmp")

# A guest that reboots would have its program executed anew, by this name: that
# is to fail, for it is to end.
NAME = "/nonexistent/vdpa-uml"

# Its clock ticks 100 times a second and nobody hurries it: what waits for RCU
# would wait for most of the time that a test takes.
KERNEL_ARGS = (*machine.KERNEL_ARGS, "rcupdate.rcu_expedited=1")

# Where init finds its ports, which are serial lines: it is told so.
ORDERS = {"serial": "".join(f"{name} /dev/ttyS{i}\n" for i, name in enumerate(machine.PORTS))}
GUEST_CONSOLE = "/dev/tty0"


def memory_dir(mem):
    """A directory of the host with room for so many MiB."""
    for name in MEMORY_DIRS:
        path = name.format(uid=os.getuid())
        if not os.access(path, os.W_OK | os.X_OK):
            continue
        found = os.statvfs(path)
        if found.f_bavail * found.f_frsize >= mem << 20 and not found.f_flag & os.ST_NOEXEC:
            return path
    raise VmError(f"no directory has {mem} MiB for the guest's memory, and lets programs be "
                  f"executed: {' '.join(MEMORY_DIRS[:1] + MEMORY_DIRS[2:])}; try a smaller --mem")


class Machine(machine.Machine):
    """A running User Mode Linux."""

    def __init__(self, kernel, initramfs, *, mem, append, interactive):
        super().__init__(initramfs, interactive)
        # It keeps a file with its process id, by default in the user's home.
        self.state = tempfile.TemporaryDirectory(prefix="vdpa-uml-")
        # Its own session, which it would make itself, but later than stop().
        self.start([NAME, f"mem={mem}M", f"initrd={self.initrd_path()}",
                    f"uml_dir={self.state.name}",
                    # the program's own chatter; loglevel= undoes it for the kernel
                    "quiet", "console=tty0", *KERNEL_ARGS, *self._channel_args(),
                    # as it tells a setting of its own by how a word begins
                    *" ".join(append).split()],
                   executable=kernel, start_new_session=True,
                   env={**os.environ, "TMPDIR": memory_dir(mem)})

    def _channel_args(self):
        console = "fd:0,fd:1" if self.interactive else self._output(machine.CONSOLE)
        return ["con=null", "ssl=null", f"con0={console}",
                *(f"ssl{i}={self._output(name)}" for i, name in enumerate(machine.PORTS))]

    def _output(self, name):
        # Also what the line would read from, which there is nothing to: of a
        # /dev/null in its place the guest would learn at once that it has data.
        return f"fd:{self.pipes[name].write_end}"

    def stop(self):
        """Ends it, and the processes of the host that the guest's are."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        self.state.cleanup()
