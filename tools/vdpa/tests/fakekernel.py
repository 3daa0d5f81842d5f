# SPDX-License-Identifier: GPL-2.0
"""A scripted kernel side of the vdpa netlink family.

The tool under test is run unchanged; nlshim.so, preloaded, hands what it
sends on netlink sockets to FakeKernel and returns what FakeKernel answers.
A test gives the answers: a function per command that returns datagrams.
"""

import os
import re
import socket
import struct
import subprocess
import tempfile
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
UAPI = os.path.join(HERE, "../../../include/uapi/linux/vdpa.h")

GENL_ID_CTRL, CTRL_CMD_NEWFAMILY, CTRL_CMD_GETFAMILY = 0x10, 1, 3
# rtnetlink's
RTM_NEWNSID, RTM_GETNSID, NETNSA_NSID, NETNSA_FD = 88, 90, 1, 3
NLMSG_NOOP, NLMSG_ERROR, NLMSG_DONE, NLMSG_OVERRUN = 1, 2, 3, 4
NLM_F_MULTI, NLM_F_DUMP_INTR, NLM_F_DUMP_FILTERED = 0x2, 0x10, 0x20
NLM_F_ACK, NLM_F_ECHO, NLM_F_DUMP = 0x4, 0x8, 0x300
NLA_F_NESTED = 0x8000
NLM_F_CAPPED, NLM_F_ACK_TLVS = 0x100, 0x200
NETLINK_ADD_MEMBERSHIP, NETLINK_EXT_ACK = 1, 11
NLMSGERR_MSG, NLMSGERR_OFFS, NLMSGERR_MISS_TYPE = 1, 2, 5
FAMILY_ID, MONITOR_ID, PORTID = 0x1b, 9, 4711


def read_enum(name):
    """The numbers of an enum of the uapi header, as {"DEV_NAME": 5, ...}"""
    with open(UAPI, encoding="ascii") as header:
        text = re.sub(r"/\*.*?\*/", "", header.read(), flags=re.S)
    body = re.search(r"enum vdpa_%s {(.*?)}" % name, text, re.S).group(1)
    prefix = {"command": "VDPA_CMD_"}.get(name, f"VDPA_{name.upper()}_")
    numbers, value = {}, -1
    for item in filter(None, (s.strip() for s in body.split(","))):
        key, _, given = (s.strip() for s in item.partition("="))
        key = key[len(prefix):]
        if given.startswith(prefix):
            value = numbers[given[len(prefix):]]
        else:
            value = int(given, 0) if given else value + 1
        numbers[key] = value
    return numbers


CMD, ATTR = read_enum("command"), read_enum("attr")
# of what is in nests
QUEUE, RESOURCE, REASON = map(read_enum, ("queue_attr", "resource_attr", "reason_attr"))
STATE = read_enum("state")
CMD_NAME = {value: name for name, value in CMD.items()}
ATTR_NAME = {value: name for name, value in ATTR.items() if name != "PAD"}

SIZES = {
    1: ["DEV_STATUS", "DEV_STATE", "DEV_BLK_CFG_PHY_BLK_EXP", "DEV_BLK_CFG_ALIGN_OFFSET",
        "DEV_BLK_READ_ONLY", "DEV_BLK_FLUSH"],
    2: ["DEV_MAX_VQ_SIZE", "DEV_MIN_VQ_SIZE", "DEV_NET_STATUS",
        "DEV_NET_CFG_MAX_VQP", "DEV_NET_CFG_MTU", "DEV_BLK_CFG_NUM_QUEUES",
        "DEV_BLK_CFG_MIN_IO_SIZE", "DEV_NET_VLAN", "MGMTDEV_MAX_VQ_SIZE"],
    4: ["DEV_ID", "DEV_VENDOR_ID", "DEV_MAX_VQS", "DEV_MGMTDEV_MAX_VQS",
        "DEV_QUEUE_INDEX", "DEV_BLK_CFG_SIZE_MAX", "DEV_BLK_CFG_BLK_SIZE",
        "DEV_BLK_CFG_SEG_MAX", "DEV_BLK_CFG_OPT_IO_SIZE",
        "DEV_BLK_CFG_MAX_DISCARD_SEC", "DEV_BLK_CFG_MAX_DISCARD_SEG",
        "DEV_READY_VQS", "DEV_GROUPS", "DEV_ADDRESS_SPACES", "PROFILE_VERSION",
        "NETNS_FD", "MGMTDEV_NETNSID",
        "DEV_BLK_CFG_DISCARD_SEC_ALIGN", "DEV_BLK_CFG_MAX_WRITE_ZEROES_SEC",
        "DEV_BLK_CFG_MAX_WRITE_ZEROES_SEG"],
    8: ["MGMTDEV_SUPPORTED_CLASSES", "DEV_SUPPORTED_FEATURES", "DEV_FEATURES",
        "DEV_NEGOTIATED_FEATURES", "DEV_VENDOR_ATTR_VALUE",
        "DEV_BLK_CFG_CAPACITY", "DEV_IOVA_FIRST", "DEV_IOVA_LAST",
        "DEV_CONFIG_INTERRUPTS", "DEV_RESETS", "DEV_BACKEND_FEATURES"],
}
SIZE = {name: size for size, names in SIZES.items() for name in names}
NEST_SIZE = {
    "queue": dict(INDEX=4, SIZE=4, READY=1, AVAIL_INDEX=2, AVAIL_WRAP=1, USED_INDEX=2,
                  USED_WRAP=1, GROUP=4, DESC_GROUP=4, IRQ=4, KICKS=8, INTERRUPTS=8,
                  RECEIVED=8, COMPLETED=8, BYTES=8, ERRORS=8, LAST_ERROR=4),
    "resource": dict(USED=8, SIZE=8, MAX=8),
    "reason": dict(ATTR=4, WANTED=8, AVAILABLE=8),
}
PACK = {1: "=B", 2: "=H", 4: "=I", 8: "=Q"}


def raw_attr(number, payload):
    """An attribute with any payload, padded as netlink wants it"""
    return (struct.pack("=HH", len(payload) + 4, number) + payload +
            bytes(-len(payload) % 4))


def payload_of(value, size):
    """What an attribute holds; bytes are taken as they are"""
    if isinstance(value, str):
        return value.encode() + b"\0"
    if isinstance(value, int):
        return struct.pack(PACK[size], value % (1 << 8 * size))
    if isinstance(value, list):
        return struct.pack(f"={len(value)}I", *(ATTR.get(item, item) for item in value))
    return value


def attr(name, value):
    """A well-formed attribute of the family, or a nest of such from a dict"""
    if isinstance(value, dict):
        return raw_attr(ATTR[name] | NLA_F_NESTED, attrs(value))
    return raw_attr(ATTR[name], payload_of(value, SIZE.get(name)))


def nest(name, kind, fields):
    """A (name, value) pair for attrs(): a nest of another enum"""
    numbers = {"queue": QUEUE, "resource": RESOURCE, "reason": REASON}[kind]
    items = fields.items() if isinstance(fields, dict) else fields
    return name, b"".join(raw_attr(numbers[key], payload_of(
        value, NEST_SIZE[kind].get(key))) for key, value in items)


def attrs(fields):
    """Attributes from (name, value) pairs or a dict"""
    items = fields.items() if isinstance(fields, dict) else fields
    return b"".join(attr(name, value) for name, value in items)


def nlmsg(kind, payload, flags=0, seq=0, portid=PORTID):
    return struct.pack("=IHHII", len(payload) + 16, kind, flags, seq,
                       portid) + payload + bytes(-len(payload) % 4)


def genlmsg(cmd, payload, **kwargs):
    return nlmsg(FAMILY_ID, struct.pack("=BBH", cmd, 1, 0) + payload, **kwargs)


def parse_attrs(data):
    """[(number, payload, offset)...] of a buffer of attributes"""
    found, pos = [], 0
    while pos + 4 <= len(data):
        length, number = struct.unpack_from("=HH", data, pos)
        if length < 4 or pos + length > len(data):
            raise ValueError("broken attribute in a request")
        found.append((number, data[pos + 4:pos + length], pos))
        pos += length + (-length % 4)
    return found


class Request:
    """A request of the tool, taken to pieces"""

    def __init__(self, data):
        self.data = data
        (self.len, self.type, self.flags, self.seq,
         self.portid) = struct.unpack_from("=IHHII", data)
        if self.len != len(data):
            raise ValueError("nlmsg_len does not fit the datagram")
        self.cmd, self.version = struct.unpack_from("=BB", data, 16)
        self.list = parse_attrs(data[20:])
        self.attrs = {number: payload for number, payload, _ in self.list}

    def get(self, name):
        """A string attribute, or None"""
        value = self.attrs.get(ATTR[name])
        return None if value is None else value.rstrip(b"\0").decode()

    def number(self, name):
        """An integer attribute, or None"""
        value = self.attrs.get(ATTR[name])
        return None if value is None else struct.unpack(PACK[SIZE[name]], value)[0]

    def handle(self):
        bus, dev = self.get("MGMTDEV_BUS_NAME"), self.get("MGMTDEV_DEV_NAME")
        return f"{bus}/{dev}" if bus else dev

    def offset(self, name):
        """Where in the message an attribute stands, for NLMSGERR_ATTR_OFFS"""
        return next((20 + pos for number, _, pos in self.list
                     if number == ATTR[name]), None)

    def reply(self, cmd, fields, flags=0):
        payload = fields if isinstance(fields, bytes) else attrs(fields)
        return genlmsg(CMD[cmd], payload, flags=flags, seq=self.seq)

    def ack(self, text=None):
        """Done; text is a warning that comes along"""
        return self.error(0, text)

    def error(self, errno, text=None, at=None, missing=None, capped=False,
              offset=None):
        """NLMSG_ERROR with extack; the request is echoed as the kernel does"""
        tlvs = b""
        if text is not None:
            tlvs += raw_attr(NLMSGERR_MSG, text.encode() + b"\0")
        if at is not None:
            offset = self.offset(at)
        if offset is not None:
            tlvs += raw_attr(NLMSGERR_OFFS, struct.pack("=I", offset))
        if missing is not None:
            tlvs += raw_attr(NLMSGERR_MISS_TYPE, struct.pack("=I", ATTR[missing]))
        flags = (NLM_F_ACK_TLVS if tlvs else 0)
        if capped or not errno:
            flags |= NLM_F_CAPPED
            echo = self.data[:16]
        else:
            echo = self.data
        return nlmsg(NLMSG_ERROR, struct.pack("=i", -errno) + echo + tlvs,
                     flags=flags, seq=self.seq)

    def done(self, errno=0, text=None, flags=0):
        payload = struct.pack("=i", -errno)
        if text is not None:
            payload += raw_attr(NLMSGERR_MSG, text.encode() + b"\0")
            flags |= NLM_F_ACK_TLVS
        return nlmsg(NLMSG_DONE, payload, flags=flags | NLM_F_MULTI,
                     seq=self.seq)

    def dump(self, cmd, objects, flags=0, per_datagram=3):
        """Datagrams of a whole dump"""
        messages = [self.reply(cmd, obj, flags | NLM_F_MULTI)
                    for obj in objects]
        chunks = [b"".join(messages[i:i + per_datagram])
                  for i in range(0, len(messages), per_datagram)]
        return chunks + [self.done(flags=flags)]

    def text(self):
        """The request as a line, for the golden file"""
        cmd = {GENL_ID_CTRL: {CTRL_CMD_GETFAMILY: "CTRL_GETFAMILY"},
               FAMILY_ID: CMD_NAME}[self.type].get(self.cmd, str(self.cmd))
        flags = [name for bit, name in
                 ((1, "REQUEST"), (4, "ACK"), (8, "ECHO")) if self.flags & bit]
        rest = self.flags & ~0xd
        if rest & NLM_F_DUMP == NLM_F_DUMP:
            flags.append("DUMP")
            rest &= ~NLM_F_DUMP
        if rest:
            flags.append(hex(rest))
        line = f"{cmd} v{self.version} {'|'.join(flags)}"
        for number, payload, _ in self.list:
            name = (ATTR_NAME.get(number, str(number))
                    if self.type == FAMILY_ID else f"CTRL_ATTR_{number}")
            line += f" {name}={payload.hex()}"
        return line


class FakeKernel:
    """The kernel's end of the netlink sockets of one run of the tool.

    answers maps a command's name to a function that takes the Request and
    returns a list of datagrams (bytes), errnos for recvmsg() to fail with
    (int) or functions to call in between; without an entry the answer is
    EOPNOTSUPP.
    """

    def __init__(self, answers=None, family=True, monitor=True, family_reply=None,
                 nsids=None):
        self.answers = answers or {}
        self.nsids = nsids or {}    # ids of network namespaces, by their names
        self.family, self.monitor = family, monitor
        self.family_reply = family_reply
        self.requests, self.options, self.errors = [], [], []
        self.joined = threading.Event()
        self.conn = None            # where events go
        self.open, self.lock = set(), threading.Lock()
        self.dir = tempfile.TemporaryDirectory(prefix="vdpa-test-")
        self.path = os.path.join(self.dir.name, "netlink")
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(self.path)
        self.listener.listen(4)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.thread.join(10)
        deadline = time.monotonic() + 10
        # what was sent before the tool ended is still looked at
        while self.open and time.monotonic() < deadline:
            time.sleep(0.001)
        self.listener.close()
        self.dir.cleanup()

    def serve(self):
        while True:
            try:
                conn, _ = self.listener.accept()
            except OSError:
                return
            self.conn = self.conn or conn
            threading.Thread(target=self.serve_one, args=(conn,), daemon=True).start()

    def serve_one(self, conn):
        """One socket of several that there may be at a time"""
        try:
            self.serve_socket(conn)
        except ConnectionError:
            pass
        except Exception as err:    # reported by the test
            self.errors.append(repr(err))
        with self.lock:
            self.open.discard(conn)
        conn.close()

    def serve_socket(self, conn):
        with self.lock:
            self.open.add(conn)
        while True:
            packet = conn.recv(1 << 20)
            if not packet:
                return
            if packet[:1] == b"O":
                option = struct.unpack("=ii", packet[1:])
                self.options.append(option)
                if option == (NETLINK_ADD_MEMBERSHIP, MONITOR_ID):
                    self.conn = conn
                    self.joined.set()
                continue
            request = Request(packet[1:])
            if request.type == RTM_GETNSID:
                self.send(self.answer_nsid(request, conn), conn)
                continue
            self.requests.append(request)
            for item in self.answer(request):
                self.send(item, conn)

    def send(self, item, conn=None):
        """One datagram or errno to the tool, or of an event to who joined"""
        conn = conn or self.conn
        if callable(item):
            item()
        elif isinstance(item, int):
            conn.send(b"E" + struct.pack("=i", item))
        else:
            conn.send(b"N" + item)

    def event(self, cmd, fields):
        payload = fields if isinstance(fields, bytes) else attrs(fields)
        self.send(genlmsg(CMD[cmd], payload, portid=0))

    def answer(self, request):
        if request.type == GENL_ID_CTRL:
            return self.answer_family(request)
        handler = self.answers.get(CMD_NAME.get(request.cmd))
        if not handler:
            return [request.error(95)]
        return handler(request)

    def answer_nsid(self, request, conn):
        """What the file of the descriptor is called tells which it is"""
        pid, _, _ = struct.unpack("=iII", conn.getsockopt(
            socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        fd, = struct.unpack("=I", request.attrs[NETNSA_FD])
        nsid = self.nsids.get(os.path.basename(os.readlink(f"/proc/{pid}/fd/{fd}")))
        if not isinstance(nsid, int):
            return nsid or request.error(22)
        return nlmsg(RTM_NEWNSID, bytes(4) + raw_attr(NETNSA_NSID, struct.pack("=i", nsid)),
                     seq=request.seq)

    def answer_family(self, request):
        if self.family_reply:
            return self.family_reply(request)
        if not self.family:
            return [request.error(2)]
        payload = struct.pack("=BBH", CTRL_CMD_NEWFAMILY, 2, 0)
        payload += raw_attr(2, b"vdpa\0")
        payload += raw_attr(1, struct.pack("=H", FAMILY_ID))
        for number, value in ((3, 1), (4, 0), (5, ATTR["MAX"])):
            payload += raw_attr(number, struct.pack("=I", value))
        if self.monitor:
            group = (raw_attr(2, struct.pack("=I", MONITOR_ID)) +
                     raw_attr(1, b"monitor\0"))
            payload += raw_attr(7 | 0x8000, raw_attr(1 | 0x8000, group))
        datagrams = [nlmsg(GENL_ID_CTRL, payload, seq=request.seq)]
        if request.flags & NLM_F_ACK:
            datagrams.append(request.ack())
        return datagrams


def environment(kernel, shim, extra=None):
    env = {"PATH": os.environ["PATH"], "LC_ALL": "C", "TZ": "UTC"}
    env["LD_PRELOAD"] = " ".join(filter(None, [os.environ.get("ASAN_PRELOAD"),
                                               shim]))
    env["VDPA_TEST_SOCKET"] = kernel.path
    env.update({key: value for key, value in os.environ.items()
                if key.endswith("SAN_OPTIONS")})
    env.update(extra or {})
    return env


class Result:
    def __init__(self, argv, status, out, err, kernel):
        self.argv, self.status, self.out, self.err = argv, status, out, err
        self.requests = [r for r in kernel.requests if r.type == FAMILY_ID]
        self.options, self.errors = kernel.options, kernel.errors
        self.lookups = len(kernel.requests) - len(self.requests)
        self.entered = []       # network namespaces, by name


def directory(files, netns):
    """A temporary directory with files, and names of network namespaces"""
    made = tempfile.TemporaryDirectory(prefix="vdpa-test-")
    os.mkdir(os.path.join(made.name, "netns"))
    for name, content in [*files.items(), *((f"netns/{name}", "") for name in netns)]:
        mode = "wb" if isinstance(content, bytes) else "w"
        with open(os.path.join(made.name, name), mode) as file:
            file.write(content)
    return made


def entered(path, netns):
    """Those that setns() was called for"""
    return [name for name in netns if os.path.getsize(os.path.join(path, "netns", name))]


def run(tool, shim, argv, timeout=60, stdout=None, env=None, files=None, netns=(),
        stdin=None, **kwargs):
    """Runs the tool against a FakeKernel made with kwargs"""
    kernel = FakeKernel(**kwargs)
    try:
        with directory(files or {}, netns) as path:
            done = subprocess.run(
                [tool] + argv, cwd=path, timeout=timeout, check=False,
                env=environment(kernel, shim, dict(env or {}, VDPA_TEST_NETNS=path + "/netns")),
                stdout=stdout or subprocess.PIPE, stderr=subprocess.PIPE,
                **({"input": stdin} if stdin is not None else {"stdin": subprocess.DEVNULL}))
            names = entered(path, netns)
    finally:
        kernel.close()
    result = Result(argv, done.returncode, done.stdout or b"", done.stderr, kernel)
    result.entered = names
    return result
