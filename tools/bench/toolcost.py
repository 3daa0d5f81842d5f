# SPDX-License-Identifier: GPL-2.0
"""Instructions of a vdpa tool, ours or iproute2's, which get the same answers.

The kernel side is that of the tests of ours, tools/vdpa/tests/fakekernel.py,
and valgrind counts what the process executes, from its first instruction to its
last, and nothing of the kernel's.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tools/vdpa/tests"))

import fakekernel  # pylint: disable=wrong-import-position,import-error

# Not the one that may be installed in its place
IPROUTE2 = "/sbin/vdpa"
VALGRIND = ("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null")
COUNTED = re.compile(rb"^==\d+== Collected : (\d+)$", re.M)
TIMEOUT = 300
# Of a dump, to those who receive a page at a time
DATAGRAM = 3776


class BenchError(Exception):
    """What kept a bench from running"""


def check_iproute2():
    """It has to be iproute2's, which is the only one to say so."""
    try:
        version = subprocess.run([IPROUTE2, "-V"], stdout=subprocess.PIPE, text=True,
                                 check=False).stdout
    except OSError as error:
        raise BenchError(f"{IPROUTE2}: {error.strerror}") from error
    if "iproute2" not in version:
        raise BenchError(f"{IPROUTE2} is not iproute2's: {version.strip()}")


# What Linux 6.12 tells of an idle device of vdpasim_net, besides its name,
MAINLINE = {"MGMTDEV_DEV_NAME": "vdpasim_net", "DEV_ID": 1, "DEV_VENDOR_ID": 0, "DEV_MAX_VQS": 3,
            "DEV_MAX_VQ_SIZE": 256, "DEV_MIN_VQ_SIZE": 1}
# and what this subsystem tells of it, most of which no tool shows unless asked to
OURS = {**MAINLINE, "DEV_GROUPS": 3, "DEV_ADDRESS_SPACES": 2, "DEV_IOVA_FIRST": 0,
        "DEV_IOVA_LAST": 2**64 - 1, "DEV_STATUS": 0, "DEV_STATE": 0, "DEV_READY_VQS": 0}

# Command lines, and what they get to show of each device
BENCHES = {
    "dev_show": (("dev", "show"), MAINLINE),
    "dev_show_json": (("-j", "dev", "show"), MAINLINE),
    "dev_show_ours": (("dev", "show"), OURS),
}
DEVICES = (1, 4000)


def dump(request, devices):
    longest = len(request.reply("DEV_NEW", devices[-1]))
    return request.dump("DEV_NEW", devices, per_datagram=DATAGRAM // longest)


def shown(words, output):
    """How many devices it says there are"""
    if "-j" not in words:
        return len(output.splitlines())
    try:
        return len(json.loads(output)["dev"])
    except (ValueError, KeyError):
        return 0


def instructions(tool, shim, bench, n):
    """What the tool takes to show n devices"""
    words, told = BENCHES[bench]
    devices = [{"DEV_NAME": f"bench{number}", **told} for number in range(n)]
    answers = {"DEV_GET": lambda request: dump(request, devices)}
    what = f"{tool} {' '.join(words)}"
    try:
        done = fakekernel.run(VALGRIND[0], shim, [*VALGRIND[1:], tool, *words], timeout=TIMEOUT,
                              answers=answers)
    except (OSError, subprocess.SubprocessError) as error:
        raise BenchError(f"{what}: {error}") from error
    counted = COUNTED.search(done.err)
    if done.status or done.errors or not counted:
        raise BenchError(f"{what}: {done.errors or done.err.decode()}")
    if shown(words, done.out) != n:
        raise BenchError(f"{what}: did not show {n} devices")
    return int(counted.group(1))
