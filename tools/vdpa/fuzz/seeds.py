# SPDX-License-Identifier: GPL-2.0
"""Inputs to begin with, and a dictionary, from what the tests in tests/ expect.

A golden file has the command lines and the requests that they make; the
kernels of scenarios.py answer these, and what they answer is a seed.
"""

import os
import re
import shlex
import struct
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../tests"))

import fakekernel  # noqa: E402  pylint: disable=wrong-import-position
import run  # noqa: E402  pylint: disable=wrong-import-position
import scenarios  # noqa: E402  pylint: disable=wrong-import-position

# As in fuzz.h, kernel.c and messages.c
NO_FAMILY, NO_GROUP, ODD_FAMILY, MODULE = 0x01, 0x02, 0x04, 0x20
RECORD, RECORD_ERRNO = 0x00, 0x80
COMMANDS = [("mgmtdev", False), ("mgmtdev", True), ("dev", False), ("dev", True),
            ("add", False), ("add", True), ("del", True), ("monitor", False),
            ("config", False), ("config", True), ("vstats", True), ("set", True),
            ("stats", False), ("stats", True), ("queue", False), ("queue", True),
            ("-s", False), ("-s", True), ("resource", False), ("netns", True),
            ("features", False), ("features", True), ("device_features", True),
            ("profile", True), ("check", True), ("addprofile", True),
            ("save", False), ("save", True)]
VERBS = ("check", "profile", "netns", "device_features", "features", "add", "del", "monitor", "config", "vstats",
         "stats", "queue", "resource", "set")
OPTION_BITS = {"j": 1, "p": 2, "d": 4, "t": 8}
FLAGS = {"REQUEST": 1, "ACK": 4, "ECHO": 8, "DUMP": 0x300}


def request(line):
    """A request of a golden file, as the tool had sent it"""
    cmd, _, flags, *attrs = line.split()
    bits = sum(FLAGS[flag] if flag in FLAGS else int(flag, 16) for flag in flags.split("|"))
    payload = b""
    for attr in attrs:
        name, _, value = attr.partition("=")
        payload += fakekernel.raw_attr(fakekernel.ATTR[name], bytes.fromhex(value))
    return fakekernel.Request(fakekernel.genlmsg(fakekernel.CMD[cmd], payload, flags=bits))


def record(item):
    """A datagram or an errno"""
    if isinstance(item, int):
        return struct.pack("<BH", RECORD_ERRNO, item)
    item = item[:65535]
    return struct.pack("<BH", RECORD, len(item)) + item


def files(kernel, block):
    """What is in the file that a block's command line names"""
    content = dict(kernel.get("files") or {}, **{"-": kernel.get("stdin")})
    words = block.splitlines()[0].split()[2:]
    found = [content[word] for word in words if content.get(word)]
    return [text.encode() if isinstance(text, str) else text for text in found][:1]


def records(kernel, block):
    """What a kernel answers to the requests of a golden file's block"""
    asked = [request(line[3:]) for line in block.splitlines() if line.startswith("<< ")]
    answers = files(kernel, block)
    if "family_reply" in kernel:
        ctrl = fakekernel.nlmsg(fakekernel.GENL_ID_CTRL, struct.pack("=BBH", 3, 1, 0), flags=1)
        answers += kernel["family_reply"](fakekernel.Request(ctrl))
    for one in asked:
        handler = kernel.get("answers", {}).get(fakekernel.CMD_NAME[one.cmd])
        answers += handler(one) if handler else [one.error(95)]
    return b"".join(map(record, answers))


def head(kernel):
    nature = 0 if kernel.get("family", True) else NO_FAMILY
    nature |= 0 if kernel.get("monitor", True) else NO_GROUP
    nature |= ODD_FAMILY if "family_reply" in kernel else 0
    nature |= MODULE if kernel.get("env") else 0
    return bytes((nature, 0, 0))


def choice(argv):
    """The nearest command line that messages.c has; None: none is near"""
    words = [word for word in argv if word[:1] != "-"]
    options = set("".join(re.sub("^--(.).*", r"\1", word).lstrip("-")
                          for word in argv if word[:1] == "-"))
    if not words or "help" in words:
        return None
    verb = next((verb for verb in VERBS if verb in words), words[0])
    if verb == "dev" and "s" in options:
        verb = "-s"
    behind = 3 if verb in ("config", "stats", "queue", "resource") else 2
    named = verb in ("del", "set", "vstats", "netns", "device_features") or "name" in words or (
        len(words) > behind and verb != "add")
    if verb in ("check", "profile"):
        verb, named = "addprofile" if "add" in words else verb, True
    if verb == "features":
        named = "set" in words
    if verb == "save":
        named = len(words) > 1
    if verb == "resource":
        named = False
    if (verb, named) not in COMMANDS:
        return None
    return bytes((COMMANDS.index((verb, named)), sum(
        bit for option, bit in OPTION_BITS.items() if option in options)))


def arguments(kernel, argv, answers):
    return head(kernel) + bytes((len(argv),)) + b"".join(
        word.encode() + b"\0" for word in argv) + answers


def messages(kernel, argv, answers):
    chosen = choice(argv)
    return None if chosen is None or not answers else head(kernel) + chosen + answers


def events():
    """What a monitor hears: all there is of each kind, well-formed and not"""
    objects = (("MGMTDEV_NEW", scenarios.MGMTDEVS), ("MGMTDEV_DEL", scenarios.MGMTDEVS),
               ("DEV_NEW", scenarios.DEVS + scenarios.ODD_DEVS),
               ("DEV_CHANGE", scenarios.DEVS), ("DEV_DEL", scenarios.DEVS),
               ("DEV_CHANGE", scenarios.STRANGE["devs"]),
               ("MGMTDEV_CHANGE", scenarios.FULL_MGMTDEVS), ("DEV_NEW", scenarios.FULL_DEVS))
    streams = [[fakekernel.genlmsg(fakekernel.CMD[cmd], fakekernel.attrs(fields))
                for fields in some] for cmd, some in objects]
    gone = struct.pack("=BBH", 2, 2, 0) + fakekernel.raw_attr(
        1, struct.pack("=H", fakekernel.FAMILY_ID))
    streams += [[fakekernel.nlmsg(fakekernel.GENL_ID_CTRL, gone)], [105], [b"garbage"]]
    return [b"".join(map(record, stream)) for stream in streams]


def out_of_memory():
    """Each allocation of these fails in turn, and a few that are not made"""
    for line in ("-V", "-jpV", "dev show", "-j dev show", "-jpd mgmtdev show", "dev add m",
                 "-j dev add name n0 mgmtdev pci/m type net mac 0:1:2:3:4:5", "dev del n0",
                 "-j dev del n0", "monitor", "-jt monitor", "dev add m mtu x",
                 "-jd dev config show", "dev vstats show n0 qidx 0",
                 "-j dev vstats show n0 qidx 0", "-j dev set n0 link up",
                 "-dj dev stats show", "-sj dev show n0", "-s dev show", "dev queue show",
                 "-dj mgmtdev resource show", "-j mgmtdev set m netns n", "-n n dev show",
                 "-j dev features show", "dev features set n0 -mac",
                 "-jd dev add m name n0 device_features +mac", "dev profile show n0",
                 "mgmtdev check m profile -", "-j mgmtdev check m profile f",
                 "dev add m name n0 profile f", "save", "-j save", "save n0",
                 "-fb commands", "-j -b -"):
        argv = line.split()
        answers = b"".join(events()[2:4]) if "monitor" in argv else b""
        if "profile" in argv and "show" not in argv:
            answers = record(scenarios.GOOD_PROFILE.encode())
        if "-b" in argv or "-fb" in argv:
            answers = record(b"dev show # a\n'dev' \"add\" \\\nm name n0\nsave\n dev x\nsave")
        for number in range(1, 80):
            yield bytes((0, 0, number)) + arguments({}, argv, answers)[3:]


def seeds(target):
    """The inputs for a target, without doubles"""
    make = {"arguments": arguments, "messages": messages}[target]
    found = {}
    for name, parts in scenarios.scenarios().items():
        blocks = iter(run.read_golden(name))
        for kernel, lines in parts:
            for line in lines:
                seed = make(kernel, shlex.split(line), records(kernel, next(blocks)))
                if seed:
                    found[seed] = None
    for options in ("", "-j", "-jp", "-d", "-dt", "-djt"):
        for answers in events():
            found[make({}, ["monitor", *filter(None, [options])], answers)] = None
    if target == "arguments":
        found.update(dict.fromkeys(out_of_memory()))
    return list(found)


def dictionary():
    """The words of all command lines, in libFuzzer's notation"""
    words = {word for parts in scenarios.scenarios().values() for _, lines in parts
             for line in lines for word in shlex.split(line) if word}
    return "".join('"%s"\n' % "".join(
        chr(byte) if 0x20 <= byte < 0x7f and byte not in b'"\\' else f"\\x{byte:02x}"
        for byte in word.encode()) for word in sorted(words))


def write(directory):
    """Seeds of both targets and the dictionary; returns the seeds' paths by target"""
    paths = {}
    for target in ("arguments", "messages"):
        base = os.path.join(directory, target)
        os.makedirs(base, exist_ok=True)
        paths[target] = []
        for number, seed in enumerate(seeds(target)):
            path = os.path.join(base, f"{number:04}")
            with open(path, "wb") as file:
                file.write(seed)
            paths[target].append(path)
    with open(os.path.join(directory, "words.dict"), "w", encoding="ascii") as file:
        file.write(dictionary())
    return paths
