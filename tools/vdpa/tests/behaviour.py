# SPDX-License-Identifier: GPL-2.0
"""Tests of what a golden file cannot hold: time, signals, many, full disks.

Each yields (name, problems, reason to skip).
"""

import contextlib
import glob
import json
import os
import pty
import re
import selectors
import shlex
import shutil
import signal
import struct
import subprocess
import tempfile
import time
from random import Random

import fakekernel
import scenarios
from fakekernel import (NLM_F_ACK, NLM_F_CAPPED, NLM_F_DUMP_INTR, NLMSG_DONE,
                        NLMSG_ERROR, nlmsg, raw_attr)

TIMEOUT = 30
ENOBUFS = 105
TOP = os.path.join(fakekernel.HERE, "..")


def device(number, **more):
    return dict(dict(DEV_NAME=f"vdpa{number}", MGMTDEV_DEV_NAME="vdpasim_net",
                     DEV_ID=1, DEV_VENDOR_ID=0, DEV_MAX_VQS=3,
                     DEV_MAX_VQ_SIZE=256, DEV_MIN_VQ_SIZE=1, DEV_STATUS=0),
                **more)


def device_line(number):
    return (f"vdpa{number}: type network mgmtdev vdpasim_net vendor_id 0 "
            "max_vqs 3 max_vq_size 256\n").encode()


def expect(name, got, wanted):
    """Problems unless they are equal"""
    if got == wanted:
        return []
    return [f"{name}: expected {wanted!r:.300}", f"{name}: got      {got!r:.300}"]


# Dumps

def test_big_dump(args):
    """A dump of many, in the kernel's biggest datagrams, is shown in order"""
    number = 8000
    devices = [device(i) for i in range(number)]

    def answer(request):
        return request.dump("DEV_NEW", devices, per_datagram=300)
    result = fakekernel.run(args.tool, args.shim, ["dev", "show"],
                            answers={"DEV_GET": answer})
    yield f"{number} devices as text", expect(
        "stdout", result.out, b"".join(map(device_line, range(number)))), None
    result = fakekernel.run(args.tool, args.shim, ["-j", "dev", "show"],
                            answers={"DEV_GET": answer})
    problems = args.schemas.problems("dev", result.out)
    problems += expect("names", list(json.loads(result.out)["dev"]),
                       [f"vdpa{i}" for i in range(number)])
    yield f"{number} devices as JSON", problems, None


def interrupted_dumps(times):
    """A kernel whose first dumps were interrupted, each longer than the next"""
    state = {"dumps": 0}

    def answer(request):
        state["dumps"] += 1
        if state["dumps"] > times:
            return request.dump("DEV_NEW", [device(1)])
        chunks = request.dump("DEV_NEW", [device(i) for i in range(9)])
        chunks[-2:] = request.dump("DEV_NEW", [device(8)], flags=NLM_F_DUMP_INTR)
        return chunks
    return state, {"DEV_GET": answer}


def test_interrupted_dump(args):
    for words, wanted in ((["dev", "show"], device_line(1)),
                          (["-j", "dev", "show"], None)):
        state, answers = interrupted_dumps(2)
        result = fakekernel.run(args.tool, args.shim, words, answers=answers)
        problems = expect("dumps", state["dumps"], 3)
        problems += expect("status", result.status, 0)
        problems += expect("stderr", result.err, b"")
        if wanted:
            problems += expect("stdout", result.out, wanted)
        else:
            problems += expect("names", list(json.loads(result.out)["dev"]),
                               ["vdpa1"])
        yield f"is asked for again: {shlex.join(words)}", problems, None

    state, answers = interrupted_dumps(1000)
    result = fakekernel.run(args.tool, args.shim, ["dev", "show"], answers=answers)
    problems = expect("dumps", state["dumps"], 10)
    problems += expect("status", result.status, 0)
    problems += expect("stdout lines", result.out.count(b"\n"), 7)
    if b"Warning" not in result.err:
        problems.append("no warning")
    yield "is shown with a warning when it never ends", problems, None


def test_totals(args):
    """Fit 80 columns whatever is counted; are found whatever the order"""
    number = 3000

    def stats(request):
        return request.dump("DEV_STATS_GET", [
            scenarios.queues(device(i), [dict(
                INDEX=0, **dict.fromkeys(("KICKS", "INTERRUPTS", "RECEIVED", "COMPLETED",
                                          "BYTES", "ERRORS"), 10**(i % 20) - 1))])
            for i in reversed(range(number))])
    for order in (range(number), reversed(range(number))):
        devices = [device(i) for i in order]
        result = fakekernel.run(
            args.tool, args.shim, ["-s", "dev", "show"],
            answers={"DEV_GET": lambda r, d=devices: r.dump("DEV_NEW", d, per_datagram=300),
                     "DEV_STATS_GET": stats})
        lines = result.out.decode().splitlines()
        problems = expect("lines", len(lines), 2 * number)
        problems += [line for line in lines if len(line) > 80][:5]
        for i, line in enumerate(lines[1::2]):
            count = line.split()[1]
            digits = int(lines[2 * i].split(":")[0][4:]) % 20
            exact = str(10**digits - 1)
            if len(count) > 4 or (digits <= 4 and count != exact):
                problems.append(line)
        yield f"{len(devices)} devices, first {devices[0]['DEV_NAME']}", problems[:5], None


def test_dump_errors(args):
    def middle(request):
        return request.dump("DEV_NEW", [device(i) for i in range(6)])[:1] + \
            [request.done(12, "No memory for all of them")]

    def error(request):
        return request.dump("DEV_NEW", [device(i) for i in range(6)])[:1] + \
            [request.error(12)]

    def receive(request):
        return request.dump("DEV_NEW", [device(i) for i in range(6)])[:1] + [ENOBUFS]

    def short_done(request):
        return [nlmsg(NLMSG_DONE, b"", seq=request.seq)]

    def least(request):
        return [nlmsg(NLMSG_DONE, struct.pack("=i", -2**31), seq=request.seq)]

    for name, answer, status, text in (
            ("error at the end", middle, 1, b"No memory for all of them."),
            ("error message", error, 1, b"Cannot allocate memory"),
            ("receive error", receive, 1, b"No buffer space available"),
            ("least errno there is", least, 1, b"Unknown error"),
            ("end without an errno", short_done, 0, b"")):
        for words in (["dev", "show"], ["-j", "dev", "show"]):
            result = fakekernel.run(args.tool, args.shim, words,
                                    answers={"DEV_GET": answer})
            problems = expect("status", result.status, status)
            if status:
                problems += expect("stdout", result.out, b"")
            if text not in result.err:
                problems.append(f"stderr: {result.err!r}")
            yield f"{name}: {shlex.join(words)}", problems, None


def test_hostile_messages(args):
    """Whatever arrives, the tool ends with an error and no stdout"""
    def header(length, kind, seq, rest=b""):
        return struct.pack("=IHHII", length, kind, 0, seq, fakekernel.PORTID) + rest

    cases = {
        "empty datagram": lambda r: [b""],
        "less than a header": lambda r: [b"1234567"],
        "header of length 0": lambda r: [header(0, fakekernel.FAMILY_ID, r.seq)],
        "longer than the datagram": lambda r: [header(64, fakekernel.FAMILY_ID,
                                                      r.seq)],
        "no genl header": lambda r: [header(16, fakekernel.FAMILY_ID, r.seq)],
        "2 GiB": lambda r: [header(2**31, fakekernel.FAMILY_ID, r.seq)],
        "error without an errno": lambda r: [header(16, NLMSG_ERROR, r.seq)],
        "error whose echo is too long": lambda r: [nlmsg(
            NLMSG_ERROR, struct.pack("=i", -22) +
            struct.pack("=IHHII", 0xffffffff, 0, 0, 0, 0), seq=r.seq, flags=0x200)],
        "error with broken extack": lambda r: [nlmsg(
            NLMSG_ERROR, struct.pack("=i", -22) + r.data[:16] +
            raw_attr(1, b"unterminated") + raw_attr(2, b"\1") +
            raw_attr(5, b"") + b"\xff\xff\1\0", seq=r.seq,
            flags=NLM_F_CAPPED | 0x200)],
    }
    for name, answer in cases.items():
        for words in ("dev show foo0", "dev show", "dev add m", "dev del foo0",
                      "dev config show foo0", "dev config show",
                      "dev vstats show foo0 qidx 1", "dev set foo0 mtu 68"):
            result = fakekernel.run(
                args.tool, args.shim, words.split(), answers=dict.fromkeys(
                    ("DEV_GET", "DEV_NEW", "DEV_DEL", "DEV_CONFIG_GET",
                     "DEV_VSTATS_GET", "DEV_ATTR_SET"),
                    lambda r, a=answer: a(r) + [
                        r.ack() if r.flags & NLM_F_ACK else r.done()]), timeout=TIMEOUT)
            problems = expect("status", result.status, 1)
            problems += expect("stdout", result.out, b"")
            if not result.err.startswith(b"Error: vdpa: "):
                problems.append(f"stderr: {result.err!r}")
            yield f"{name}: {words}", problems, None


def test_big_answers(args):
    """An answer to a request is as big as it is; the kernel has to cut up a dump"""
    for length in (30000, 40000, 65000):
        def answer(request, name=b"n" * length + b"\0"):
            if request.flags & fakekernel.NLM_F_DUMP:
                return request.dump("DEV_NEW", [dict(DEV_NAME=name, DEV_ID=1)])
            return [request.reply("DEV_NEW", dict(DEV_NAME=name, DEV_ID=1))]
        text = b"n" * length + b": type network\n"
        for words in (["dev", "show", "foo0"], ["dev", "show"]):
            result = fakekernel.run(args.tool, args.shim, words, answers={"DEV_GET": answer})
            fits = words[2:] or length < 32768
            problems = expect("stdout", result.out, text if fits else b"")
            problems += expect("status", result.status, 0 if fits else 1)
            yield f"{length} bytes: {shlex.join(words)}", problems, None


def test_stale_answers(args):
    """Messages of other requests, and for other sockets, are passed over"""
    def answer(request):
        good = request.reply("DEV_NEW", device(1))
        other = dict(cmd=fakekernel.CMD["DEV_NEW"],
                     payload=fakekernel.attrs(device(2)))
        stale = [fakekernel.genlmsg(seq=request.seq - 1, **other),
                 fakekernel.genlmsg(seq=request.seq, portid=99, **other),
                 nlmsg(NLMSG_ERROR, struct.pack("=i", -1) + bytes(16),
                       seq=request.seq - 1),
                 nlmsg(fakekernel.NLMSG_NOOP, b"", seq=request.seq)]
        if request.flags & fakekernel.NLM_F_DUMP:
            return stale + [good, request.done()]
        return stale + [good]
    for words in (["dev", "show", "vdpa1"], ["dev", "show"]):
        result = fakekernel.run(args.tool, args.shim, words,
                                answers={"DEV_GET": answer})
        yield shlex.join(words), expect("stdout", result.out, device_line(1)) + \
            expect("stderr", result.err, b""), None


# Requests

def test_options_set(args):
    """Extended errors are asked for, nothing is joined"""
    result = fakekernel.run(args.tool, args.shim, ["dev", "show"],
                            **scenarios.ours())
    yield "extended acks", expect("options", result.options,
                                  [(fakekernel.NETLINK_EXT_ACK, 1)]), None
    yield "one look-up", expect("look-ups", result.lookups, 1), None


def test_long_words(args):
    """Words up to what a message can hold reach the kernel, longer ones don't"""
    for words in (["mgmtdev", "set", "m", "netns"], ["-n"]):
        for length in (64, 4000, 4100, 100000):
            result = fakekernel.run(args.tool, args.shim, words + ["x" * length] +
                                    (["dev", "show"] if words == ["-n"] else []),
                                    **scenarios.ours())
            yield f"{shlex.join(words)}, {length} bytes", expect(
                "status", result.status, 1), None
    for words in (["dev", "show"], ["dev", "add", "mgmtdev", "m", "name"],
                  ["mgmtdev", "show"], ["dev", "add"]):
        for length, status in ((63, 1), (64, 1), (4000, 1), (16500, 2), (100000, 2)):
            result = fakekernel.run(
                args.tool, args.shim, words + ["x" * length],
                **scenarios.refuse(22, "Too long for me"))
            yield f"{shlex.join(words)}, {length} bytes", expect(
                "status", result.status, status), None
    # up to the last byte of the message and beyond
    problems, fits = [], 0
    for length in range(320, 361):
        words = ["dev", "add", "m" * 16000, "name", "n" * length]
        result = fakekernel.run(args.tool, args.shim, words, **scenarios.ours())
        fits += result.status == 0
        if result.status not in (0, 2):
            problems.append(f"{length} bytes: status {result.status}")
    yield "two that just fit", problems or ([] if 0 < fits < 41 else [fits]), None


# Output that cannot be written

def test_output_fails(args):
    commands = (["dev", "show"], ["-j", "dev", "show"], ["mgmtdev", "show"],
                ["-V"], ["help"])
    for words in commands:
        with open("/dev/full", "wb") as full:
            result = fakekernel.run(args.tool, args.shim, words, stdout=full,
                                    **scenarios.ours())
        problems = expect("status", result.status, 1)
        if b"No space left on device" not in result.err:
            problems.append(f"stderr: {result.err!r}")
        yield f"full disk: {shlex.join(words)}", problems, None

    for words in commands:
        reader, writer = os.pipe()
        os.close(reader)
        result = fakekernel.run(args.tool, args.shim, words, stdout=writer,
                                **scenarios.ours())
        os.close(writer)
        # by SIGPIPE, or by its own doing where that is ignored, as here
        yield f"closed pipe: {shlex.join(words)}", [] if result.status not in (0, 2) \
            else [f"status {result.status}"], None

    for words in commands:
        status, err = run_shell(args, words, ">&-")
        problems = expect("status", status, 1)
        if b"cannot write the output" not in err:
            problems.append(f"stderr: {err!r}")
        yield f"closed stdout: {shlex.join(words)}", problems, None
    for close in (">&-", "<&- >&- 2>&-"):
        status, _ = run_shell(args, ["dev", "del", "foo0"], close)
        yield f"nothing to write, {close}", expect("status", status, 0), None


def run_shell(args, words, redirection):
    kernel = fakekernel.FakeKernel(**scenarios.ours())
    try:
        done = subprocess.run(
            ["sh", "-c", f"exec {shlex.join([args.tool] + words)} {redirection}"],
            env=fakekernel.environment(kernel, args.shim), timeout=TIMEOUT,
            stderr=subprocess.PIPE, check=False)
    finally:
        kernel.close()
    return done.returncode, done.stderr


# Features and profiles

def test_feature_words(args):
    """No feature with a dash in front is taken for an option, nor one for a mask"""
    names = set()
    for number in CLASS_IDS.values():
        names |= {name for name in shown_mgmtdev(args, 1 << number)["dev_features"]
                  if isinstance(name, str)}
    problems = [f"{name} is a mask" for name in names if re.fullmatch("[0-9A-F]+", name)]
    for name in sorted(names):
        # known to some class, but not to this one: that is told, and no usage
        for word in (name, name.lower()):
            result = fakekernel.run(args.tool, args.shim, [
                "dev", "add", "m", "type", "99", "device_features", f"-{word}"],
                **scenarios.ours([dict(MGMTDEV_DEV_NAME="m", DEV_SUPPORTED_FEATURES=0)]))
            if result.status == 2:
                problems.append(f"-{word}: {result.err.decode()}")
    yield f"{len(names)} names", problems or ([] if len(names) > 80 else ["so few?"]), None


def test_profile_round_trip(args):
    """What is shown of a device is what a management device is asked for"""
    ignored = ("DEV_NAME", "MGMTDEV_BUS_NAME", "MGMTDEV_DEV_NAME", "DEV_NEGOTIATED_FEATURES",
               "DEV_NET_STATUS")
    for profile in scenarios.PROFILES[:4]:
        wanted = {key: value for key, value in profile.items() if key not in ignored}
        for words in ([], ["-j"], ["-jp"]):
            shown = fakekernel.run(args.tool, args.shim, [
                *words, "dev", "profile", "show", profile["DEV_NAME"]], **scenarios.ours())
            check = fakekernel.run(args.tool, args.shim, [
                "mgmtdev", "check", "m", "profile", "-"], stdin=shown.out, **scenarios.ours())
            asked = {fakekernel.ATTR_NAME[number]: payload
                     for number, payload in check.requests[0].attrs.items()}
            del asked["MGMTDEV_DEV_NAME"]
            yield f"{profile['DEV_NAME']} {' '.join(words)}".rstrip(), expect(
                "attributes", asked, {key: fakekernel.payload_of(
                    value, fakekernel.SIZE.get(key)) for key, value in wanted.items()}), None


# Files of commands

def added(requests):
    """What creating devices was asked for, as {name: attributes}"""
    return {request.get("DEV_NAME"): {number: payload for number, payload in
                                      request.attrs.items()}
            for request in requests if request.type == fakekernel.FAMILY_ID
            and request.cmd == fakekernel.CMD["DEV_NEW"]}


def test_save_restores(args):
    """What save prints creates the same devices"""
    for name, devices in (("all attributes", scenarios.FULL_DEVS),
                          ("odd names", scenarios.ODD_NAMED)):
        saved = fakekernel.run(args.tool, args.shim, ["save"], **scenarios.ours([], devices))
        restored = fakekernel.run(args.tool, args.shim, ["-b", "-"], stdin=saved.out,
                                  **scenarios.ours())
        problems = expect("status", (saved.status, restored.status, restored.err), (0, 0, b""))
        got, wanted = added(restored.requests), {}
        for dev in devices:
            given = dict(dev.get("DEV_CREATED", {}))
            for key in ("DEV_NAME", "MGMTDEV_BUS_NAME", "MGMTDEV_DEV_NAME", "DEV_ID"):
                if key in dev:
                    given[key] = dev[key]
            wanted[dev["DEV_NAME"]] = {
                number: payload for number, payload, _ in fakekernel.parse_attrs(
                    fakekernel.attrs(given))}
        problems += expect("names", sorted(got), sorted(wanted))
        for dev, attributes in wanted.items():
            problems += expect(dev, got.get(dev), attributes)
        yield name, problems, None


def test_batch_is_cheap(args):
    """Many commands by one socket, in one process; what is wrong is told by line"""
    number = 5000
    lines = "".join(f"dev add name d{i} mgmtdev vdpasim_net\n" for i in range(number))
    result = fakekernel.run(args.tool, args.shim, ["-b", "-"], stdin=lines.encode(),
                            **scenarios.ours())
    problems = expect("status", (result.status, result.out, result.err), (0, b"", b""))
    problems += expect("requests", len(result.requests), number)
    problems += expect("look-ups", result.lookups, 1)
    yield f"{number} devices", problems, None
    lines = lines.replace("name d4321 ", "nane d4321 ")
    for words, asked in ((["-b", "-"], 4321), (["-force", "-b", "-"], number - 1)):
        result = fakekernel.run(args.tool, args.shim, words, stdin=lines.encode(),
                                **scenarios.ours())
        problems = expect("status", result.status, 1)
        problems += expect("requests", len(result.requests), asked)
        if b"standard input:4322: \"d4321\"" not in result.err:
            problems.append(result.err)
        yield f"one of them wrong: {shlex.join(words)}", problems, None


def test_batch_shows_progress(args):
    """On a terminal, of long files, and not in the middle of an error"""
    for number, words, shown in ((101, ["-b"], True), (100, ["-b"], False),
                                 (150, ["-fb"], True)):
        lines = [f"dev del d{i}" for i in range(number)]
        if "-fb" in words:
            lines[49] = "dev dle d49"
        leader, follower = pty.openpty()
        kernel = fakekernel.FakeKernel(**scenarios.ours())
        with fakekernel.directory({"commands": "\n".join(lines) + "\n"}, ()) as path:
            status = subprocess.run(
                [args.tool, *words, path + "/commands"], stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=follower, timeout=TIMEOUT, check=False,
                env=fakekernel.environment(kernel, args.shim)).returncode
        kernel.close()
        os.close(follower)
        text = b""
        with contextlib.suppress(OSError):
            while data := os.read(leader, 65536):
                text += data
        os.close(leader)
        problems = expect("status", status, int("-fb" in words))
        problems += expect("progress", b"\r%d/%d" % (number, number) in text, shown)
        if shown and not text.rstrip(b"\r\n").endswith(
                b"%d/%d" % (number, number) if not status else b"failed."):
            problems.append(text[-200:])
        if status and b"\r49/150\r\nError: vdpa: " not in text:
            problems.append(text)
        yield f"{number} lines: {shlex.join(words)}", problems, None


def restore(args, kernel, devices, limit):
    """systemd's helper, with the tool in its path; waits for nothing"""
    path = fakekernel.directory({"devices": devices}, ("blue",))
    os.symlink(args.tool, path.name + "/vdpa")
    env = fakekernel.environment(kernel, args.shim, {"VDPA_TEST_NETNS": path.name + "/netns"})
    env["PATH"] = path.name + ":" + env["PATH"]
    # not into dash, which has no sanitizers
    helper = subprocess.Popen(
        [os.path.join(TOP, "systemd/vdpa-restore"), path.name + "/devices", str(limit)],
        env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return path, helper


RESTORED = """# dev add name x mgmtdev nosuch
mgmtdev set pci/0000:00:02.0 netns blue
  mgmtdev   set netns blue mgmtdev 'pci/0000:00:02.0'
dev add vdpasim_net name a
dev add name b mgmtdev \\
  'late'
dev set name a mac 02:00:00:00:00:01
"""


def test_restore(args):
    """Devices are created once their management devices are there, or then anyway"""
    if os.environ.get("ASAN_OPTIONS"):
        yield "all", [], "its shell has no sanitizers in it"
        return
    late = dict(MGMTDEV, MGMTDEV_DEV_NAME="late")
    for name, mgmtdevs, limit, monitor in (
            ("all there", [MGMTDEV, PCI, late], 20, True),
            ("one comes late", [MGMTDEV, PCI], 20, True),
            ("one comes late, and is not announced", [MGMTDEV, PCI], 20, False),
            ("one never comes", [MGMTDEV, PCI], 1, True),
            ("one that is to be moved never comes", [MGMTDEV, late], 1, True)):
        mgmtdevs, created = list(mgmtdevs), 0
        kernel = fakekernel.FakeKernel(**dict(scenarios.ours(mgmtdevs), monitor=monitor))
        path, helper = restore(args, kernel, RESTORED, limit)
        if name == "one comes late":
            kernel.joined.wait(TIMEOUT)
            kernel.event("MGMTDEV_NEW", PCI)
        if "comes late" in name:
            while not any(r.get("MGMTDEV_DEV_NAME") == "late" for r in kernel.requests):
                time.sleep(0.01)
            created = len(added(kernel.requests))
            mgmtdevs.append(late)
        if name == "one comes late":
            kernel.event("MGMTDEV_NEW", late)
        out, err = helper.communicate(timeout=TIMEOUT)
        kernel.close()
        path.cleanup()
        asked = {fakekernel.CMD_NAME[r.cmd] for r in kernel.requests
                 if r.type == fakekernel.FAMILY_ID}
        problems = expect("status", (helper.returncode, out), (0, b""))
        problems += expect("devices", list(added(kernel.requests)), ["a", "b"])
        problems += expect("changed", {"DEV_ATTR_SET", "MGMTDEV_SET"} - asked, set())
        problems += expect("stderr", err, b"" if limit > 1 else (
            "vdpa-restore: not there after 1 s: "
            f"{'late' if PCI in mgmtdevs else 'pci/0000:00:02.0'}\n").encode())
        problems += expect("created before", created, 0)
        yield name, problems, None
    kernel = fakekernel.FakeKernel(**scenarios.ours())
    path, helper = restore(args, kernel, "dev add name a mgmtdev vdpasim_net mtu x\n", 1)
    err = helper.communicate(timeout=TIMEOUT)[1]
    kernel.close()
    path.cleanup()
    yield "what fails is told", expect("status", helper.returncode, 1) + (
        [] if b"devices:1: \"x\": mtu must be" in err else [err]), None


def test_unit(args):
    """What systemd has to say about the unit as it is installed"""
    if not shutil.which("systemd-analyze"):
        yield "systemd-analyze verify", [], "needs systemd"
        return
    if os.environ.get("ASAN_OPTIONS"):
        yield "systemd-analyze verify", [], "would build the tool anew"
        return
    with tempfile.TemporaryDirectory(prefix="vdpa-test-") as path:
        subprocess.run(["make", "-s", "-C", TOP, "install", f"PREFIX={path}",
                        f"BUILD={os.path.dirname(args.tool)}"], check=True,
                       stdout=subprocess.DEVNULL)
        unit = os.path.join(path, "lib/systemd/system/vdpa-restore.service")
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit],
                              capture_output=True, text=True, check=False)
        yield "systemd-analyze verify", expect("status", done.returncode, 0) + [
            line for line in (done.stdout + done.stderr).splitlines()
            if "vdpa-restore" in line], None
        with open(unit, "a", encoding="utf-8") as file:
            file.write("[Service]\nType=nosuch\nExecStart=/nosuch\n")
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", unit],
                              capture_output=True, text=True, check=False)
        yield "which would notice", [] if "nosuch" in done.stderr else [done.stderr], None


# Monitor

class Monitor:
    """A running "vdpa monitor" """

    def __init__(self, args, words, stdio=subprocess.PIPE, stderr=None, **kwargs):
        self.kernel = fakekernel.FakeKernel(**kwargs)
        self.process = subprocess.Popen(
            [args.tool] + words, stdin=subprocess.DEVNULL,
            stdout=stdio, stderr=stderr or stdio,
            env=fakekernel.environment(self.kernel, args.shim))
        if not self.kernel.joined.wait(TIMEOUT):
            raise TimeoutError("the monitor did not join its group")

    def line(self, stream=None):
        """The next line, as soon as it is there"""
        stream = stream or self.process.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(stream, selectors.EVENT_READ)
            data, deadline = b"", time.monotonic() + TIMEOUT
            while data[-1:] != b"\n":
                if not selector.select(max(0, deadline - time.monotonic())):
                    raise TimeoutError(f"no line, only {data!r}")
                byte = os.read(stream.fileno(), 1)
                if not byte:
                    break
                data += byte
        return data.decode()

    def end(self, sig=signal.SIGINT):
        """(status, rest of stdout, rest of stderr)"""
        if sig:
            self.process.send_signal(sig)
        out, err = self.process.communicate(timeout=TIMEOUT)
        return self.process.returncode, out, err


@contextlib.contextmanager
def monitor(args, words, **kwargs):
    mon = Monitor(args, words, **kwargs)
    try:
        yield mon
    finally:
        if mon.process.poll() is None:
            mon.process.kill()
        mon.process.communicate()
        mon.kernel.close()


MGMTDEV = scenarios.MGMTDEVS[0]
PCI = scenarios.MGMTDEVS[3]
EVENTS = [
    ("MGMTDEV_NEW", MGMTDEV,
     "mgmtdev new vdpasim_net: supported_classes net max_supported_vqs 3 "
     "dev_features MTU MAC STATUS CTRL_VQ CTRL_MAC_ADDR ANY_LAYOUT VERSION_1 "
     "ACCESS_PLATFORM",
     {"object": "mgmtdev", "event": "new", "name": "vdpasim_net",
      "supported_classes": ["net"], "max_supported_vqs": 3,
      "dev_features": ["MTU", "MAC", "STATUS", "CTRL_VQ", "CTRL_MAC_ADDR",
                       "ANY_LAYOUT", "VERSION_1", "ACCESS_PLATFORM"]}),
    ("DEV_NEW", device(0),
     "dev new vdpa0: type network mgmtdev vdpasim_net vendor_id 0 max_vqs 3 "
     "max_vq_size 256",
     {"object": "dev", "event": "new", "name": "vdpa0", "type": "network",
      "mgmtdev": "vdpasim_net", "vendor_id": 0, "max_vqs": 3,
      "max_vq_size": 256}),
    ("DEV_CHANGE", device(0, DEV_DRIVER="vhost_vdpa"),
     "dev change vdpa0: driver vhost_vdpa status 0x0",
     {"object": "dev", "event": "change", "name": "vdpa0",
      "driver": "vhost_vdpa", "status": 0}),
    ("DEV_CHANGE", device(0, DEV_STATUS=0xf), "dev change vdpa0: driver none status 0xf",
     {"object": "dev", "event": "change", "name": "vdpa0", "driver": None,
      "status": 15}),
    ("DEV_DEL", device(0), "dev del vdpa0",
     {"object": "dev", "event": "del", "name": "vdpa0"}),
    ("MGMTDEV_CHANGE", dict(MGMTDEV, MGMTDEV_NETNSID=5),
     "mgmtdev change vdpasim_net: netnsid 5",
     {"object": "mgmtdev", "event": "change", "name": "vdpasim_net", "netnsid": 5}),
    ("MGMTDEV_CHANGE", dict(MGMTDEV, MGMTDEV_NETNSID=-1),
     "mgmtdev change vdpasim_net: netnsid unassigned",
     {"object": "mgmtdev", "event": "change", "name": "vdpasim_net", "netnsid": None}),
    ("MGMTDEV_CHANGE", MGMTDEV, "mgmtdev change vdpasim_net",
     {"object": "mgmtdev", "event": "change", "name": "vdpasim_net"}),
    ("MGMTDEV_DEL", PCI, "mgmtdev del pci/0000:00:02.0",
     {"object": "mgmtdev", "event": "del", "name": "pci/0000:00:02.0"}),
]


def test_monitor_events(args):
    with monitor(args, ["monitor"]) as mon:
        for cmd, fields, text, _ in EVENTS:
            mon.kernel.event(cmd, fields)
            # before the next one is sent: nothing stays in a buffer
            yield f"text of {cmd}", expect("line", mon.line(), text + "\n"), None
        yield "nothing else", expect("end", mon.end(), (0, b"", b"")), None
    with monitor(args, ["-j", "monitor"]) as mon:
        for cmd, fields, _, document in EVENTS:
            mon.kernel.event(cmd, fields)
            line = mon.line()
            problems = expect("document", json.loads(line), document)
            problems += expect("keys", list(json.loads(line)), list(document))
            problems += args.schemas.problems("event", line.encode())
            yield f"JSON of {cmd}", problems, None
        yield "nothing else in JSON", expect("end", mon.end(), (0, b"", b"")), None
    with monitor(args, ["-d", "monitor"]) as mon:
        mon.kernel.event("DEV_CHANGE", device(0))
        yield "details", expect("line", mon.line(), (
            "dev change vdpa0: type network mgmtdev vdpasim_net vendor_id 0 "
            "max_vqs 3 max_vq_size 256 min_vq_size 1 driver none status 0x0\n")), None
    for words in (["-d", "monitor"], ["-dj", "monitor"]):
        with monitor(args, words) as mon:
            for fields in scenarios.FULL_MGMTDEVS:
                mon.kernel.event("MGMTDEV_NEW", fakekernel.attrs(fields))
                mon.kernel.event("MGMTDEV_CHANGE", fakekernel.attrs(fields))
            for fields in scenarios.FULL_DEVS:
                mon.kernel.event("DEV_NEW", fields)
            _, out, err = mon.end()
            problems = expect("lines", out.count(b"\n"), 2 * len(scenarios.FULL_MGMTDEVS)
                              + len(scenarios.FULL_DEVS)) + expect("stderr", err, b"")
            for line in out.splitlines() if "-dj" in words else ():
                problems += args.schemas.problems("event", line)
        yield f"all details: {shlex.join(words)}", problems, None
    with monitor(args, ["-jp", "monitor"]) as mon:
        mon.kernel.event("DEV_DEL", device(0))
        _, out, _ = (time.sleep(0.2), *mon.end()[1:])
        problems = expect("document", json.loads(out), EVENTS[4][3])
        if b'\n    "object"' not in out:
            problems.append("not indented")
        yield "indented JSON", problems, None


def test_monitor_filter(args):
    wanted = {"all": EVENTS, "": EVENTS, "mgmtdev dev": EVENTS,
              "dev": [e for e in EVENTS if e[0].startswith("DEV")],
              "mgmtdev": [e for e in EVENTS if e[0].startswith("MGMT")]}
    for words, events in wanted.items():
        with monitor(args, ["monitor"] + words.split()) as mon:
            for cmd, fields, _, _ in EVENTS:
                mon.kernel.event(cmd, fields)
            lines = [mon.line().rstrip("\n") for _ in events]
            problems = expect("lines", lines, [e[2] for e in events])
            problems += expect("end", mon.end(), (0, b"", b""))
        yield f"monitor {words}".rstrip(), problems, None


def test_monitor_timestamp(args):
    stamp = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00"
    for words in (["-t", "monitor"], ["monitor", "timestamp"],
                  ["monitor", "dev", "timestamp"], ["monitor", "--timestamp"]):
        with monitor(args, words) as mon:
            mon.kernel.event("DEV_DEL", device(0))
            line = mon.line()
            yield shlex.join(words), [] if re.fullmatch(
                rf"\[{stamp}\] dev del vdpa0\n", line) else [repr(line)], None
    with monitor(args, ["-jt", "monitor"]) as mon:
        mon.kernel.event("DEV_DEL", device(0))
        line = mon.line()
        problems = args.schemas.problems("event", line.encode())
        if not re.fullmatch(stamp, json.loads(line)["timestamp"]):
            problems.append(repr(line))
        yield "JSON", problems, None


def test_monitor_end(args):
    for sig in (signal.SIGINT, signal.SIGTERM):
        with monitor(args, ["monitor"]) as mon:
            yield f"{sig.name} before any event", expect(
                "end", mon.end(sig), (0, b"", b"")), None
        with monitor(args, ["-j", "monitor"]) as mon:
            number = 200
            for i in range(number):
                mon.kernel.event("DEV_NEW", device(i))
            _, out, err = status = mon.end(sig)
            problems = expect("status", status[0], 0) + expect("stderr", err, b"")
            problems += expect("names", [json.loads(line)["name"] for line in
                                         out.splitlines()],
                               [f"vdpa{i}" for i in range(number)])
            yield f"{sig.name}: what was announced is still shown", problems, None
    with monitor(args, ["monitor"]) as mon:
        mon.process.stdout.close()
        mon.process.wait(TIMEOUT)
        yield "nobody reads any more", [] if mon.process.returncode not in (0, 2) \
            else [f"status {mon.process.returncode}"], None
    with open("/dev/full", "wb") as full:
        kernel = fakekernel.FakeKernel()
        with subprocess.Popen([args.tool, "monitor"], stdout=full,
                              stderr=subprocess.PIPE,
                              env=fakekernel.environment(kernel, args.shim)) as process:
            kernel.joined.wait(TIMEOUT)
            kernel.event("DEV_DEL", device(0))
            err = process.communicate(timeout=TIMEOUT)[1]
        kernel.close()
        yield "full disk", expect("status", process.returncode, 1) + (
            [] if b"No space left" in err else [repr(err)]), None


def test_monitor_trouble(args):
    with monitor(args, ["monitor"]) as mon:
        mon.kernel.send(ENOBUFS)
        err = mon.line(mon.process.stderr)
        mon.kernel.event("DEV_DEL", device(0))
        problems = expect("line", mon.line(), "dev del vdpa0\n")
        if "events were lost" not in err:
            problems.append(repr(err))
        problems += expect("end", mon.end(), (0, b"", b""))
        yield "lost events are told of and it goes on", problems, None
    broken = {"nameless": fakekernel.attr("DEV_ID", 1),
              "malformed": fakekernel.attrs([("DEV_NAME", b"unterminated")])}
    for name, payload in broken.items():
        with monitor(args, ["monitor"]) as mon:
            mon.kernel.event("DEV_NEW", payload)
            err = mon.line(mon.process.stderr)
            mon.kernel.event("DEV_DEL", device(0))
            problems = expect("line", mon.line(), "dev del vdpa0\n")
            if not err.startswith("Error: vdpa: the kernel"):
                problems.append(repr(err))
            problems += expect("end", mon.end(), (0, b"", b""))
            yield f"{name} event", problems, None
    with monitor(args, ["monitor"]) as mon:
        mon.kernel.send(nlmsg(fakekernel.FAMILY_ID, struct.pack("=BBH", 200, 1, 0),
                              portid=0))
        mon.kernel.send(nlmsg(0x77, b"another family", portid=0))
        mon.kernel.event("DEV_DEL", device(0))
        yield "unknown events are passed over", expect(
            "line", mon.line(), "dev del vdpa0\n") + expect(
                "end", mon.end(), (0, b"", b"")), None
    with monitor(args, ["monitor"]) as mon:
        mon.kernel.event("DEV_NEW", dict(DEV_NAME=b"e\x1b[1m\nx\0", DEV_ID=1))
        yield "control characters", expect(
            "line", mon.line(), "dev new e\\x1b[1m\\x0ax: type network\n"), None


def mutated(random, data):
    """A message some of whose bytes are others, or missing"""
    data = bytearray(data)
    for _ in range(random.randint(1, 6)):
        data[random.randrange(len(data))] = random.choice(
            (0, 1, 3, 4, 7, 8, 127, 128, 255, random.randrange(256)))
    if random.random() < 0.3:
        del data[random.randrange(len(data)):]
    return bytes(data)


def test_mutated_events(args):
    """Thousands of broken messages, always the same, break neither text nor JSON"""
    random = Random(1)
    seeds = [fakekernel.genlmsg(fakekernel.CMD[cmd], fakekernel.attrs(fields),
                                portid=0) for cmd, fields, _, _ in EVENTS]
    seeds.append(family_message(2, 1))
    for words in (["-d", "monitor"], ["-dj", "monitor"]):
        with monitor(args, words, stdio=subprocess.DEVNULL) as mon:
            for _ in range(5000):
                mon.kernel.send(mutated(random, random.choice(seeds)) or b"x")
            status = mon.end()[0]
        yield shlex.join(words), expect("status", status, 0), None
    with monitor(args, ["-dj", "monitor"], stderr=subprocess.DEVNULL) as mon:
        for _ in range(150):
            mon.kernel.send(mutated(random, random.choice(seeds)) or b"x")
        status, out, _ = mon.end()
        problems = expect("status", status, 0)
        for line in out.splitlines():
            json.loads(line)
        yield "JSON of it", problems, None


def test_mutated_dumps(args):
    """The same for a list: it is shown, or what of it is whole, or an error"""
    random = Random(2)
    problems = []
    for _ in range(150):
        devices = [device(i, DEV_DRIVER="vhost_vdpa") for i in range(5)]

        def answer(request, these=devices):
            chunks = request.dump("DEV_NEW", these)
            chunks[0] = mutated(random, chunks[0]) or b"x"
            return chunks
        result = fakekernel.run(args.tool, args.shim, ["-dj", "dev", "show"],
                                answers={"DEV_GET": answer}, timeout=TIMEOUT)
        problems += [] if result.status in (0, 1) else [f"status {result.status}"]
        if result.out:
            json.loads(result.out)
        elif not result.status:
            problems.append("success without a document")
    yield "150 times", problems, None


def test_mutated_configs(args):
    """... and for configuration space and statistics"""
    random = Random(3)
    configs = scenarios.NET_CONFIGS + scenarios.BLOCK_CONFIGS

    def dump(request):
        chunks = request.dump("DEV_CONFIG_GET", configs)
        return [mutated(random, chunks[0]) or b"x", *chunks[1:]]

    def counters(request):
        return [mutated(random, scenarios.vstats()(request)[0]) or b"x",
                request.error(5)]
    for words in (["-dj", "dev", "config", "show"],
                  ["-j", "dev", "vstats", "show", "n1", "qidx", "1"]):
        problems = []
        for _ in range(150):
            result = fakekernel.run(
                args.tool, args.shim, words, timeout=TIMEOUT,
                answers={"DEV_CONFIG_GET": dump, "DEV_VSTATS_GET": counters})
            problems += [] if result.status in (0, 1) else [f"status {result.status}"]
            if result.out:
                json.loads(result.out)
            elif not result.status:
                problems.append("success without a document")
        yield f"150 times {shlex.join(words)}", problems, None


def family_message(cmd, family):
    payload = struct.pack("=BBH", cmd, 2, 0) + raw_attr(
        1, struct.pack("=H", family)) + raw_attr(2, b"vdpa\0")
    return nlmsg(fakekernel.GENL_ID_CTRL, payload, portid=0)


def test_monitor_module_removed(args):
    with monitor(args, ["monitor"]) as mon:
        mon.kernel.send(family_message(2, fakekernel.FAMILY_ID + 1))
        mon.kernel.send(family_message(1, fakekernel.FAMILY_ID))
        mon.kernel.event("DEV_DEL", device(0))
        problems = expect("line", mon.line(), "dev del vdpa0\n")
        mon.kernel.send(family_message(2, fakekernel.FAMILY_ID))
        status, out, err = mon.end(None)
        problems += expect("status", status, 1) + expect("stdout", out, b"")
        if b"module was removed" not in err:
            problems.append(repr(err))
        yield "ends the monitor", problems, None


def test_monitor_joins(args):
    with monitor(args, ["monitor"]) as mon:
        yield "the group, silently", expect(
            "joined", (fakekernel.NETLINK_ADD_MEMBERSHIP, fakekernel.MONITOR_ID)
            in mon.kernel.options, True) + expect(
                "end", mon.end(), (0, b"", b"")), None
    with monitor(args, ["-v", "monitor"]) as mon:
        yield "and says so with -v", expect(
            "stderr", mon.line(mon.process.stderr), "listening\n") + expect(
                "end", mon.end(), (0, b"", b"")), None


# Completion

NAMES = "n0 b0 vdpa:0000:03:00.1"
MGMTDEVS = "vdpasim_net vdpasim_blk vduse pci/0000:00:02.0"
# what is typed, what is offered; + at the end: that and more, - in front: not that
COMPLETED = [
    ("", "mgmtdev dev monitor save"), ("d", "dev"), ("dev s", "show set stats"),
    ("dev ", "show add del set config features stats queue profile vstats"),
    ("mgmtdev re", "resource"), ("mgmtdev resource ", "show"),
    ("dev show ", "name " + NAMES), ("dev show b", "b0"), ("dev show name ", NAMES),
    ("dev show vdpa:0000:", {"bash": "03:00.1", "zsh": "vdpa:0000:03:00.1"}),
    ("dev del ", "name " + NAMES), ("-j dev show n", "name n0"), ("dev -d show b", "b0"),
    ("mgmtdev show ", "mgmtdev " + MGMTDEVS), ("mgmtdev show vdpasim_b", "vdpasim_blk"),
    ("dev add vd", "vdpasim_net vdpasim_blk vduse"), ("dev add name ", ""),
    ("dev add mgmtdev p", "pci/0000:00:02.0"), ("dev add vduse ty", "type"),
    ("dev add vduse type ", "net block"), ("dev add vduse t", "type"),
    ("dev add vduse mtu 1 m", "mac max_vqp mgmtdev"), ("dev add vduse read_only ", "on off"),
    ("dev add vduse driver v", "vhost_vdpa virtio_vdpa"),
    ("dev add vduse device_features mt", "MTU"),
    ("dev add vduse device_features MAC,V", {"bash": "MAC,VERSION_1", "zsh": "VERSION_1"}),
    ("dev add vduse device_features -MAC,+v",
     {"bash": "-MAC,+VERSION_1", "zsh": "VERSION_1"}),
    ("dev set n0 link ", "up down"), ("dev set n0 l", "link"),
    ("dev stats show n", "name n0"), ("dev stats show n0 ", "name qidx"),
    ("save ", NAMES), ("save n0 b", "b0"), ("monitor a", "all"),
    ("--js", "--json"), ("dev show --pr", "--pretty"), ("nosuch ", ""), ("dev nosuch ", ""),
    ("-n blue dev show b", "b0"), ("dev add vduse profile com", {"bash": "commands",
                                                                 "zsh": "FILES"}),
    ("-b com", {"bash": "commands", "zsh": "FILES"}),
]
BASH = """
source "$1"
COMP_LINE="vdpa $2" COMP_POINT=${#COMP_LINE} COMP_WORDBREAKS=$' \\t\\n"\\'><=;|&(:'
_vdpa "$3"
printf '%s\\n' "${COMPREPLY[@]}"
"""
# what zsh offers of what is added depends on what was typed, as here
ZSH = """
compadd() {
    local cur=${words[CURRENT]#$IPREFIX}
    while [[ $1 == -* && $1 != -- ]]; do shift 2; done
    shift
    for word; do [[ ${(L)word} == ${(L)cur}* && -n $word ]] && print -r -- $word; done
}
compset() { [[ ${words[CURRENT]#$IPREFIX} == ${~2}* ]] &&
    IPREFIX+=${(M)${words[CURRENT]#$IPREFIX}##${~2}} }
_files() { print FILES }
words=($3 ${(z)2}); [[ $2 == *' ' || -z $2 ]] && words+=('')
CURRENT=${#words} IPREFIX=
source $1
"""


def completed(args, shell, typed, kernel):
    script, path = {"bash": (BASH, "vdpa.bash"), "zsh": (ZSH, "_vdpa")}[shell]
    path = os.path.join(TOP, "completion", path)
    fake = fakekernel.FakeKernel(**kernel)
    name = "shell" if shell == "bash" else "_vdpa"
    with fakekernel.directory({"commands": ""}, ("blue",)) as cwd:
        env = fakekernel.environment(fake, args.shim, {"VDPA_TEST_NETNS": cwd + "/netns",
                                                       "LC_ALL": "C.UTF-8"})
        if shell == "zsh":
            script = script.replace("source $1", 'functions[_vdpa]="$(<$1)"; _vdpa')
        done = subprocess.run([shell, *(["-f"] if shell == "zsh" else ["--norc"]), "-c", script,
                               name, path, typed, args.tool], cwd=cwd, env=env, text=True,
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT,
                              check=False)
    fake.close()
    return done.stdout.split("\n"), done.stderr


def test_completion(args):
    """What the shells offer, from the tool's help and the kernel's names"""
    if os.environ.get("ASAN_OPTIONS"):
        yield "all", [], "the shells have no sanitizers in them"
        return
    for shell in ("bash", "zsh"):
        if not shutil.which(shell):
            yield shell, [], f"needs {shell}"
            continue
        for typed, wanted in COMPLETED:
            wanted = wanted[shell] if isinstance(wanted, dict) else wanted
            got, err = completed(args, shell, typed, scenarios.ours())
            problems = expect("offered", sorted(filter(None, got)), sorted(wanted.split()))
            problems += [] if not err or "compopt" in err else [err]
            yield f"{shell}: vdpa {typed}|", problems, None
        # names are what somebody chose: no shell runs them
        odd = [dict(DEV_NAME=name) for name in ("$(touch$IFS.x)", "`id`", "*", "ok;id", "it's")]
        got, err = completed(args, shell, "dev show name ", scenarios.ours(devs=odd))
        yield f"{shell}: names are not expanded", expect(
            "offered", sorted(filter(None, got)), sorted(dev["DEV_NAME"] for dev in odd)), None


# Beside others

def iproute2():
    """Where iproute2's tool is, if it is of the version these outputs are of"""
    for path in ("/usr/sbin/vdpa", "/sbin/vdpa", "/usr/bin/vdpa"):
        with contextlib.suppress(OSError):
            done = subprocess.run([path, "-V"], capture_output=True, check=False)
            if done.stdout == b"vdpa utility, iproute2-6.1.0\n":
                return path
    return None


def essence(requests):
    """What was asked for, apart from how the kernel shall answer"""
    return [(request.cmd, request.flags & ~NLM_F_ACK, request.attrs) for request in requests]


def test_like_iproute2(args):
    """The same bytes, stderr and status as iproute2's tool"""
    other = iproute2()
    if not other:
        yield "all", [], "needs iproute2 6.1.0"
        return
    show, config = map(scenarios.lines, (scenarios.SHOW, scenarios.CONFIG))
    for name, kernel, command_lines in (
            ("mainline", scenarios.mainline(), show),
            ("ours", scenarios.ours(), show),
            ("empty", scenarios.mainline([], []), show),
            ("configuration", scenarios.mainline_configs(scenarios.NET_CONFIGS), config),
            ("short", scenarios.mainline_configs(scenarios.NET_CONFIGS),
             scenarios.lines(scenarios.SHORT)),
            ("no configuration", scenarios.mainline_configs([]), config),
            ("refusal", scenarios.refuse(22, "vdpa: Text of the kernel"), show + config)):
        for line in command_lines:
            words = shlex.split(line)
            theirs = fakekernel.run(other, args.shim, words, **kernel)
            # of statistics that it could not read it says so, but exits with 0
            status = theirs.status or int("vstats" in words and theirs.err != b"")
            # deliberate: a list or help instead of usage, no document after an error
            if b"Usage:" in theirs.err or (status and theirs.out):
                continue
            ours = fakekernel.run(args.tool, args.shim, words, **kernel)
            problems = expect("status", ours.status, status)
            problems += expect("stdout", ours.out, theirs.out)
            # but not the order of attributes, nor what is looked up after a refusal
            problems += expect("request", essence(ours.requests[:1]), essence(theirs.requests))
            # deliberate: what was probably meant
            theirs_err, ours_err = theirs.err, re.sub(rb"Did you mean .*\n", b"", ours.err)
            # we add the word at fault, when the kernel says which
            if b'"' in ours_err:
                ours_err = re.sub(rb'"[^"]*": ', b"", ours_err)
                theirs_err = theirs_err.replace(b"vdpa: ", b"", 1)
                ours_err = ours_err.replace(b"vdpa: ", b"", 1)
            problems += expect("stderr", ours_err, theirs_err)
            yield f"{name}: vdpa {line}", problems, None


def header_features(path, prefix):
    """{bit: name} of the VIRTIO_*_F_ macros of a uapi header"""
    features = {}
    with open(path, encoding="utf-8") as header:
        for line in header:
            match = re.match(rf"#define\s+{prefix}(\w+)\s+(\d+)\b", line)
            if match:
                features.setdefault(int(match.group(2)), match.group(1))
    return features


CLASS_HEADERS = {
    "virtio_net.h": "NET", "virtio_blk.h": "BLK", "virtio_console.h": "CONSOLE",
    "virtio_balloon.h": "BALLOON", "virtio_scsi.h": "SCSI", "virtio_gpu.h": "GPU",
    "virtio_vsock.h": "VSOCK", "virtio_iommu.h": "IOMMU", "virtio_mem.h": "MEM",
    "virtio_pmem.h": "PMEM", "virtio_scmi.h": "SCMI", "virtio_i2c.h": "I2C",
    "virtio_bt.h": "BT", "virtio_gpio.h": "GPIO",
}
CLASS_IDS = {
    "NET": 1, "BLK": 2, "CONSOLE": 3, "BALLOON": 5, "SCSI": 8, "GPU": 16,
    "VSOCK": 19, "IOMMU": 23, "MEM": 24, "PMEM": 27, "SCMI": 32, "I2C": 34,
    "BT": 40, "GPIO": 41,
}


def shown_mgmtdev(args, classes):
    kernel = scenarios.ours([dict(
        MGMTDEV_DEV_NAME="m", MGMTDEV_SUPPORTED_CLASSES=classes,
        DEV_SUPPORTED_FEATURES=2**64 - 1)])
    result = fakekernel.run(args.tool, args.shim, ["-j", "mgmtdev", "show"], **kernel)
    return json.loads(result.out)["mgmtdev"]["m"]


def test_names_of_headers(args):
    """Every feature and class of the installed uapi headers has its name"""
    include = "/usr/include/linux/"
    if not os.path.exists(include + "virtio_config.h"):
        yield "all", [], "needs the kernel's uapi headers"
        return
    transport = header_features(include + "virtio_config.h", "VIRTIO_F_")
    transport.update({bit: "RING_" + name for bit, name in header_features(
        include + "virtio_ring.h", "VIRTIO_RING_F_").items()})
    for header, name in CLASS_HEADERS.items():
        if not os.path.exists(include + header):
            yield header, [], "not installed"
            continue
        wanted = dict(transport)
        wanted.update(header_features(include + header, f"VIRTIO_{name}_F_"))
        shown = shown_mgmtdev(args, 1 << CLASS_IDS[name])["dev_features"]
        yield f"features of {header}", [
            f"bit {bit} is {shown[bit]}, not {wanted[bit]}"
            for bit in sorted(wanted) if shown[bit] != wanted[bit]], None

    with open(include + "virtio_ids.h", encoding="utf-8") as ids:
        numbers = re.findall(r"#define VIRTIO_ID_(\w+)\s+(\d+)\b", ids.read())
    shown = shown_mgmtdev(args, 2**64 - 1)["supported_classes"]
    yield "classes of virtio_ids.h", [
        f"{number}: {shown[int(number)]}, not {name}" for name, number in numbers
        if shown[int(number)] != name.lower().replace("_", "-")], None


def test_man_pages(args):
    pages = sorted(glob.glob(os.path.join(TOP, "man", "*.8")))
    yield "are there", expect("names", [os.path.basename(page) for page in pages],
                              ["vdpa-dev.8", "vdpa-mgmtdev.8", "vdpa-monitor.8",
                               "vdpa.8"]), None
    text = {}
    for page in pages:
        with open(page, encoding="utf-8") as file:
            text[os.path.basename(page)] = file.read().replace("\\-", "-")
        if not shutil.which("mandoc"):
            yield os.path.basename(page), [], "needs mandoc"
            continue
        done = subprocess.run(["mandoc", "-Tlint", "-W", "warning", page],
                              capture_output=True, text=True, check=False)
        yield f"lint of {os.path.basename(page)}", done.stdout.splitlines(), None

    # every word that help tells of is explained
    for words, page in (("mgmtdev help", "vdpa-mgmtdev.8"), ("dev help", "vdpa-dev.8"),
                        ("dev add help", "vdpa-dev.8"), ("dev del help", "vdpa-dev.8"),
                        ("dev set help", "vdpa-dev.8"), ("dev config help", "vdpa-dev.8"),
                        ("dev config show help", "vdpa-dev.8"),
                        ("dev vstats show help", "vdpa-dev.8"),
                        ("mgmtdev set help", "vdpa-mgmtdev.8"),
                        ("mgmtdev resource help", "vdpa-mgmtdev.8"),
                        ("mgmtdev resource show help", "vdpa-mgmtdev.8"),
                        ("dev stats help", "vdpa-dev.8"),
                        ("dev stats show help", "vdpa-dev.8"),
                        ("save help", "vdpa.8"),
                        ("dev profile help", "vdpa-dev.8"),
                        ("dev profile show help", "vdpa-dev.8"),
                        ("mgmtdev check help", "vdpa-mgmtdev.8"),
                        ("dev queue help", "vdpa-dev.8"),
                        ("dev queue show help", "vdpa-dev.8"),
                        ("dev features help", "vdpa-dev.8"),
                        ("dev features set help", "vdpa-dev.8"),
                        ("monitor help", "vdpa-monitor.8"), ("help", "vdpa.8")):
        result = fakekernel.run(args.tool, args.shim, words.split())
        told = re.findall(r"^  (?:-\w, )?([\w-]+)", result.out.decode(), re.M)
        yield f"{page} tells of vdpa {words}", [
            f"{word} is not there" for word in told
            if word not in text.get(page, "")] or ([] if told else ["no words"]), None


def commands(args, path=()):
    """All there are, from the help on each"""
    result = fakekernel.run(args.tool, args.shim, [*path, "help"])
    below = re.findall(r"^  ([a-z]\S*) {2,}", result.out.decode(), re.M) \
        if "{" in result.out.decode().splitlines()[0] else []
    if not below:
        yield " ".join(path)
    for word in below:
        yield from commands(args, (*path, word))


def test_documentation(args):
    """The table beside iproute2 has every command, argument and attribute"""
    path = os.path.join(TOP, "../../Documentation/admin-guide/vdpa-tool.rst")
    with open(path, encoding="utf-8") as file:
        text = file.read()
    found = list(commands(args))
    yield f"{len(found)} commands", [
        f"{command} is not there" for command in found if f"``{command}" not in text] + (
            [] if len(found) > 15 else ["so few?"]), None
    for command in ("dev add", "dev set"):
        result = fakekernel.run(args.tool, args.shim, [*command.split(), "help"])
        words = re.findall(r"^  ([a-z_]+) ", result.out.decode(), re.M)
        yield f"words of {command}", [
            f"{word} is not there" for word in words if f"``{word}``" not in text], None
    attributes = [name for name in fakekernel.ATTR if name not in ("UNSPEC", "PAD", "MAX")
                  and not name.startswith("DEV_BLK_")]
    yield f"{len(attributes)} attributes", [
        f"{name} is not there" for name in attributes if f"``{name}``" not in text
        and name != "DEV_VENDOR_ATTR_VALUE"], None
    yield "attributes of queues", [
        f"{name} is not there" for name in fakekernel.QUEUE
        if name not in ("UNSPEC", "PAD", "INDEX") and f"``{name}``" not in text], None


TESTS = [value for name, value in list(globals().items()) if name.startswith("test_")]
