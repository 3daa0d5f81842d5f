# SPDX-License-Identifier: GPL-2.0
"""Command lines and the kernels they meet, for the golden files.

A scenario is (kernel, command lines). What the tool prints, its exit status
and the requests it sends are in golden/NAME.txt.
"""

import struct

from fakekernel import (ATTR, CMD, NLM_F_ACK, NLM_F_DUMP, STATE, attr, attrs, genlmsg, nest,
                        nlmsg, raw_attr)

EAGAIN = 11
ENOENT, EPERM, ENOMEM, EBUSY, EEXIST, ENODEV, EINVAL = 2, 1, 12, 16, 17, 19, 22
ERANGE, EOPNOTSUPP, ENOBUFS = 34, 95, 105

NET_FEATURES = 0x308830028

MGMTDEVS = [
    dict(MGMTDEV_DEV_NAME="vdpasim_net", MGMTDEV_SUPPORTED_CLASSES=2,
         DEV_MGMTDEV_MAX_VQS=3, DEV_SUPPORTED_FEATURES=NET_FEATURES),
    dict(MGMTDEV_DEV_NAME="vdpasim_blk", MGMTDEV_SUPPORTED_CLASSES=4,
         DEV_MGMTDEV_MAX_VQS=0, DEV_SUPPORTED_FEATURES=0),
    dict(MGMTDEV_DEV_NAME="vduse", MGMTDEV_SUPPORTED_CLASSES=6,
         DEV_MGMTDEV_MAX_VQS=0, DEV_SUPPORTED_FEATURES=0),
    dict(MGMTDEV_BUS_NAME="pci", MGMTDEV_DEV_NAME="0000:00:02.0",
         MGMTDEV_SUPPORTED_CLASSES=2, DEV_MGMTDEV_MAX_VQS=3,
         DEV_SUPPORTED_FEATURES=0x130010028),
]

# What the kernel of Linux 6.12 tells of a device
MAINLINE_DEVS = [
    dict(DEV_NAME="n0", MGMTDEV_DEV_NAME="vdpasim_net", DEV_ID=1,
         DEV_VENDOR_ID=0, DEV_MAX_VQS=3, DEV_MAX_VQ_SIZE=256,
         DEV_MIN_VQ_SIZE=1),
    dict(DEV_NAME="b0", MGMTDEV_DEV_NAME="vdpasim_blk", DEV_ID=2,
         DEV_VENDOR_ID=0, DEV_MAX_VQS=1, DEV_MAX_VQ_SIZE=256,
         DEV_MIN_VQ_SIZE=1),
    dict(DEV_NAME="vdpa:0000:03:00.1", MGMTDEV_BUS_NAME="pci",
         MGMTDEV_DEV_NAME="0000:00:02.0", DEV_ID=1, DEV_VENDOR_ID=6900,
         DEV_MAX_VQS=3, DEV_MAX_VQ_SIZE=256, DEV_MIN_VQ_SIZE=256),
]

# ... and ours
DEVS = [
    dict(MAINLINE_DEVS[0], DEV_STATUS=0),
    dict(MAINLINE_DEVS[1], DEV_STATUS=0xf, DEV_DRIVER="virtio_vdpa"),
    dict(MAINLINE_DEVS[2], DEV_STATUS=0xff, DEV_DRIVER="vhost_vdpa"),
]


# All that can be told of management devices and devices
RESOURCES = [nest("MGMTDEV_RESOURCE", "resource", fields) for fields in (
    dict(NAME="devices", UNIT="device", USED=2, SIZE=64),
    dict(NAME="queue_pairs", UNIT="pair", USED=3, SIZE=128, MAX=16),
    dict(NAME="memory", UNIT="byte", USED=2**33))]
FULL_MGMTDEVS = [
    [*MGMTDEVS[0].items(), ("MGMTDEV_MAX_VQ_SIZE", 256),
     ("MGMTDEV_ADD_ATTRS", ["DEV_NET_CFG_MACADDR", "DEV_NET_CFG_MTU", "DEV_FEATURES",
                            "DEV_NET_VLAN", "DEV_DRIVER", 999]),
     ("MGMTDEV_SET_ATTRS", ["DEV_NET_CFG_MACADDR", "DEV_NET_STATUS"]), *RESOURCES],
    [*MGMTDEVS[1].items(), ("MGMTDEV_ADD_ATTRS", ["DEV_BLK_CFG_CAPACITY",
                                                  "DEV_BLK_READ_ONLY"]),
     ("MGMTDEV_SET_ATTRS", []), ("MGMTDEV_NETNSID", 3)],
    [*MGMTDEVS[2].items(), ("MGMTDEV_NETNSID", -1)],
]
FULL_DEVS = [
    dict(DEVS[0], DEV_STATE=STATE["INACTIVE"], DEV_READY_VQS=0, DEV_GROUPS=1,
         DEV_ADDRESS_SPACES=1),
    dict(DEVS[1], DEV_DRIVER_DEV="virtio3", DEV_STATE=STATE["ACTIVE"], DEV_READY_VQS=1,
         DEV_GROUPS=1, DEV_ADDRESS_SPACES=2, DEV_IOVA_FIRST=0, DEV_IOVA_LAST=2**64 - 1,
         DEV_CREATED=dict(DEV_BLK_CFG_CAPACITY=2048, DEV_BLK_READ_ONLY=1,
                          DEV_DRIVER="virtio_vdpa", DEV_FEATURES=0x300000220)),
    dict(DEVS[2], DEV_DRIVER_DEV="vhost-vdpa-0", DEV_STATE=STATE["NEEDS_RESET"],
         DEV_READY_VQS=3, DEV_GROUPS=3, DEV_ADDRESS_SPACES=2, DEV_IOVA_FIRST=0x1000,
         DEV_IOVA_LAST=0xffffffff, DEV_CREATED=dict(
             DEV_FEATURES=NET_FEATURES | 1 << 42,
             DEV_NET_CFG_MACADDR=b"\x02\0\0\0\0\x01", DEV_NET_CFG_MTU=9000,
             DEV_NET_CFG_MAX_VQP=2, DEV_NET_VLAN=4094)),
    dict(DEVS[0], DEV_NAME="n1", DEV_STATE=STATE["SUSPENDED"], DEV_CREATED=dict(
        DEV_NET_CFG_MTU=1500)),
    dict(DEVS[0], DEV_NAME="n2", DEV_STATE=77, DEV_CREATED={}),
]

# but for GSO, which iproute2 does not know
ALL_NET_FEATURES = 0x330ffffaf
NET = dict(MGMTDEV_DEV_NAME="vdpasim_net", DEV_ID=1)
BLOCK = dict(MGMTDEV_DEV_NAME="vdpasim_blk", DEV_ID=2)

# Configuration space, before and after a driver negotiated
NET_CONFIGS = [
    dict(NET, DEV_NAME="n0", DEV_NET_CFG_MACADDR=b"\x00\x11\x22\x33\x44\x55",
         DEV_NET_STATUS=1, DEV_NET_CFG_MTU=9000, DEV_FEATURES=NET_FEATURES),
    dict(NET, DEV_NAME="n1", DEV_NEGOTIATED_FEATURES=0x300830028,
         DEV_NET_CFG_MACADDR=b"\x02\xab\xcd\xef\x00\x01", DEV_NET_STATUS=0,
         DEV_NET_CFG_MTU=68, DEV_FEATURES=NET_FEATURES),
    dict(NET, DEV_NAME="n2", DEV_NEGOTIATED_FEATURES=ALL_NET_FEATURES,
         DEV_NET_CFG_MACADDR=b"\xfe\xff\xff\xff\xff\xff", DEV_NET_STATUS=3,
         DEV_NET_CFG_MAX_VQP=16, DEV_NET_CFG_MTU=65535,
         DEV_FEATURES=ALL_NET_FEATURES),
    dict(NET, DEV_NAME="vdpa:0000:03:00.1", DEV_NEGOTIATED_FEATURES=0),
    dict(NET, DEV_NAME="bare"),
]
BLOCK_CONFIGS = [
    dict(BLOCK, DEV_NAME="b0", DEV_FEATURES=0x300007676,
         DEV_NEGOTIATED_FEATURES=0x300000206, DEV_BLK_CFG_CAPACITY=2**63 - 1,
         DEV_BLK_CFG_SIZE_MAX=4096, DEV_BLK_CFG_BLK_SIZE=512,
         DEV_BLK_CFG_SEG_MAX=32, DEV_BLK_CFG_NUM_QUEUES=4,
         DEV_BLK_CFG_PHY_BLK_EXP=3, DEV_BLK_CFG_ALIGN_OFFSET=1,
         DEV_BLK_CFG_MIN_IO_SIZE=8, DEV_BLK_CFG_OPT_IO_SIZE=128,
         DEV_BLK_CFG_MAX_DISCARD_SEC=32768, DEV_BLK_CFG_MAX_DISCARD_SEG=2,
         DEV_BLK_CFG_DISCARD_SEC_ALIGN=9,
         DEV_BLK_CFG_MAX_WRITE_ZEROES_SEC=2**32 - 1,
         DEV_BLK_CFG_MAX_WRITE_ZEROES_SEG=5, DEV_BLK_READ_ONLY=1,
         DEV_BLK_FLUSH=0),
    dict(BLOCK, DEV_NAME="b1", DEV_FEATURES=0x300000200,
         DEV_BLK_CFG_CAPACITY=2**64 - 1, DEV_BLK_READ_ONLY=0, DEV_BLK_FLUSH=1),
]

# Statistics: (device, its queues)
VENDOR = attrs([("DEV_VENDOR_ATTR_NAME", "rx drops"), ("DEV_VENDOR_ATTR_VALUE", 7),
                ("DEV_VENDOR_ATTR_NAME", "rx overruns"), ("DEV_VENDOR_ATTR_VALUE", 0)])
STATS = [
    (dict(NET, DEV_NAME="n0", DEV_MAX_VQS=3, DEV_STATUS=0xf, DEV_STATE=STATE["ACTIVE"],
          DEV_NET_CFG_MAX_VQP=1, DEV_NEGOTIATED_FEATURES=0x300030028,
          DEV_CONFIG_INTERRUPTS=1, DEV_RESETS=2), [
              dict(INDEX=0, SIZE=256, READY=1, AVAIL_INDEX=300, USED_INDEX=44, GROUP=0,
                   IRQ=24, KICKS=5, INTERRUPTS=4, RECEIVED=300, COMPLETED=44,
                   BYTES=123456789, ERRORS=3, LAST_ERROR=EINVAL, VENDOR=VENDOR),
              dict(INDEX=1, SIZE=128, READY=1, AVAIL_INDEX=32767, AVAIL_WRAP=1,
                   USED_INDEX=0, USED_WRAP=0, GROUP=0, DESC_GROUP=2, KICKS=9999,
                   INTERRUPTS=10000, RECEIVED=999999, COMPLETED=1000000, BYTES=1023,
                   ERRORS=0),
              dict(INDEX=2, SIZE=16, READY=0, GROUP=1, KICKS=0, INTERRUPTS=0)]),
    (dict(BLOCK, DEV_NAME="b0", DEV_MAX_VQS=1, DEV_STATUS=0x4f,
          DEV_STATE=STATE["NEEDS_RESET"], DEV_CONFIG_INTERRUPTS=0, DEV_RESETS=0), [
              dict(INDEX=0, READY=1, KICKS=2**64 - 1, INTERRUPTS=2**63, RECEIVED=2**40,
                   COMPLETED=1 << 20, BYTES=2**64 - 1, ERRORS=12345, LAST_ERROR=9999)]),
    (dict(DEV_NAME="other", DEV_ID=26, DEV_STATUS=0), [dict(INDEX=0, READY=0)]),
    (dict(NET, DEV_NAME="empty", DEV_STATUS=0), []),
    (dict(NET, DEV_NAME="many", DEV_NET_CFG_MAX_VQP=64), [
        dict(INDEX=i, READY=i % 2, KICKS=i, INTERRUPTS=0) for i in range(129)]),
]


def queues(device, some):
    return attrs([*device.items(), *(nest("DEV_QUEUE", "queue", queue) for queue in some)])


def stats(request):
    """DEV_STATS_GET; in a dump five queues in a message at most"""
    if request.flags & NLM_F_DUMP == NLM_F_DUMP:
        return request.dump("DEV_STATS_GET", [
            queues(device, all_queues[i:i + 5]) for device, all_queues in STATS
            for i in range(0, max(1, len(all_queues)), 5)])
    found = [item for item in STATS if item[0]["DEV_NAME"] == request.get("DEV_NAME")]
    if not found:
        return [request.error(ENODEV, "No such device", at="DEV_NAME")]
    device, some = found[0]
    idx = request.number("DEV_QUEUE_INDEX")
    if idx is not None:
        some = [queue for queue in some if queue["INDEX"] == idx]
        if not some:
            return [request.error(EINVAL, "Device has fewer queues", at="DEV_QUEUE_INDEX")]
    return [request.reply("DEV_STATS_GET", queues(device, some))]


# Profiles
PROFILES = [
    dict(NET, DEV_NAME="n0", PROFILE_VERSION=1, DEV_FEATURES=NET_FEATURES | 1 << 49,
         DEV_NEGOTIATED_FEATURES=0x300000020, DEV_MAX_VQS=3, DEV_MAX_VQ_SIZE=256,
         DEV_MIN_VQ_SIZE=1, DEV_GROUPS=2, DEV_ADDRESS_SPACES=2, DEV_IOVA_FIRST=0,
         DEV_IOVA_LAST=2**64 - 1, DEV_BACKEND_FEATURES=0x40000018,
         DEV_NET_CFG_MACADDR=b"\x02\0\0\0\0\x07", DEV_NET_STATUS=1, DEV_NET_CFG_MTU=9000,
         DEV_NET_VLAN=5),
    dict(NET, DEV_NAME="n1", PROFILE_VERSION=1, DEV_FEATURES=0x300400020,
         DEV_NET_CFG_MAX_VQP=4, MGMTDEV_BUS_NAME="pci"),
    dict(BLOCK_CONFIGS[0], PROFILE_VERSION=1, DEV_MAX_VQS=4),
    dict(BLOCK_CONFIGS[1], PROFILE_VERSION=1, DEV_BLK_CFG_CAPACITY=0),
    dict(DEV_NAME="odd", DEV_ID=99, DEV_FEATURES=2**63 + 1),
]
REASONS = [
    dict(ATTR=ATTR["DEV_FEATURES"], TEXT="Features are not supported", WANTED=0x2000300400020,
         AVAILABLE=0x300000028),
    dict(ATTR=ATTR["DEV_NET_CFG_MTU"], TEXT="MTU is too large", WANTED=9216, AVAILABLE=9000),
    dict(ATTR=ATTR["DEV_BACKEND_FEATURES"], TEXT="Cannot be suspended", WANTED=0x40000010,
         AVAILABLE=0),
    dict(ATTR=ATTR["DEV_NET_CFG_MACADDR"], TEXT="MAC address cannot be set"),
    dict(ATTR=9999, TEXT="Something to come", WANTED=1), dict(ATTR=ATTR["DEV_MAX_VQS"]), {},
]


def profile(request):
    found = [item for item in PROFILES if item["DEV_NAME"] == request.get("DEV_NAME")]
    if not found:
        return [request.error(ENODEV, "No such device", at="DEV_NAME")]
    return [request.reply("DEV_PROFILE_GET", found[0])]


def check(request):
    """MGMTDEV_CHECK: all is wrong with a device of more than 3 queues"""
    some = REASONS if (request.number("DEV_MAX_VQS") or 0) > 3 else []
    if request.get("MGMTDEV_DEV_NAME") == "nosuch":
        return [request.error(ENODEV, "No such management device", at="MGMTDEV_DEV_NAME")]
    return [request.reply("MGMTDEV_CHECK", attrs(
        [("MGMTDEV_DEV_NAME", request.get("MGMTDEV_DEV_NAME"))] +
        [nest("CHECK_REASON", "reason", reason) for reason in some]))]


GOOD_PROFILE = """{
    "profile_version": 1, "name": "n0", "mgmtdev": "vdpasim_net", "type": "net",
    "device_features": [ "mac", "MTU", "VERSION_1", "bit_49" ],
    "negotiated_features": [], "backend_features": [ "SUSPEND", "bit_30" ],
    "max_vqs": 3, "max_vq_size": 256, "min_vq_size": 1, "groups": 2,
    "address_spaces": 2, "iova_first": "0x1000", "iova_last": "0xffffffffffffffff",
    "mac": "02:00:00:00:00:07", "mtu": 9000, "max_vqp": 1, "vlan": 5
}
"""
BLOCK_PROFILE = """{"profile_version":1,"type":"block","device_features":["RO","FLUSH"],
"capacity":2048,"read_only":%s,"flush":true,"size_max":4096,"seg_max":32,"blk_size":512,
"num_queues":4,"phy_blk_exp":3,"align_offset":1,"min_io_size":8,"opt_io_size":128,
"max_discard_sec":32768,"max_discard_seg":2,"discard_sec_align":9,
"max_write_zeroes_sec":4294967295,"max_write_zeroes_seg":5}"""


def bad(text):
    return '{"profile_version": 1, "type": "net", %s}' % text


PROFILE_FILES = {
    "good": GOOD_PROFILE, "good-as-shown": GOOD_PROFILE.replace(": 3", ": 4"),
    "block": BLOCK_PROFILE % "true", "block-rw": BLOCK_PROFILE % "false",
    "least": '{"type": "26", "profile_version": 1}',
    "refused-mtu": bad('"mtu": 67'),
    "bad-empty": "", "bad-text": "hello", "bad-cut": GOOD_PROFILE[:200],
    "bad-array": "[1]", "bad-number": "5", "bad-more": GOOD_PROFILE + "{}",
    "bad-none": "{}", "bad-version": '{"profile_version": 2, "type": "net"}',
    "bad-version-text": '{"profile_version": "1", "type": "net"}',
    "bad-typeless": '{"profile_version": 1}',
    "bad-type": '{"profile_version": 1, "type": "nett"}',
    "bad-type-number": '{"profile_version": 1, "type": 1}',
    "bad-many": bad('"mtu": 65536, "vlan": -1, "capacity": 1.5, "max_vqs": "3", '
                    '"mac": "2:0", "read_only": 1, "iova_first": 5, "iova_last": "ff", '
                    '"device_features": "MAC", "backend_features": [1], "name": null, '
                    '"mttu": 1500, "negotiated_features": ["FLUSH"], "nosuchkeyatall": 1, '
                    '"flush": "\\u001b[1m", "\\u001b": 1'),
    "bad-feature": bad('"device_features": ["MAC", "MACC"]'),
    "bad-twice": bad('"mtu": 1, "mtu": 2'),
    "bad-nul": bad('"name": "a\\u0000b"'), "bad-utf8": b'{"type": "\xff"}',
    "bad-deep": "[" * 100000, "bad-large": " " * (1 << 20) + "{}",
    "bad-huge-number": bad('"capacity": 99999999999999999999999'),
}
PROFILE_LINES = """
dev profile show n0
-j dev profile show n0
-jp dev profile show n1
dev profile show b0
-j dev profile show odd
dev profile show nosuch
mgmtdev check vdpasim_net profile good
-j mgmtdev check vdpasim_net profile good
-jp mgmtdev check profile good mgmtdev pci/m
mgmtdev check vdpasim_net profile block
mgmtdev check vdpasim_net profile least
mgmtdev check vdpasim_net profile -
mgmtdev check vdpasim_net profile good-as-shown
-j mgmtdev check vdpasim_net profile good-as-shown
-jp mgmtdev check vdpasim_net profile good-as-shown
mgmtdev check nosuch profile good
mgmtdev check vdpasim_net profile nosuch
-j mgmtdev check vdpasim_net profile /
dev add vdpasim_net name foo0 profile good
dev add profile good mgmtdev vdpasim_net name foo0 mtu 1500 type network vlan 6
dev add vdpasim_net name foo0 profile good device_features -mtu
dev add vdpasim_net name foo0 profile good device_features 0x20 mac 2:0:0:0:0:9 max_vqp 2
dev add vdpasim_blk name foo0 profile block
dev add vdpasim_blk name foo0 profile block-rw capacity 1G
dev add vdpasim_blk name foo0 profile block read_only off
dev add vdpasim_net name foo0 profile least
-j dev add vdpasim_net profile -
dev add vdpasim_net name foo0 profile nosuch
"""


# name: (queue pairs, features negotiated)
VSTATS_DEVS = {
    "n0": (1, 0), "n1": (1, 0x300830028), "n2": (4, ALL_NET_FEATURES),
    "no-mq": (4, 0x300830028), "no-ctrl": (1, 0x300010028),
    "mq-first": (4, 0), "mainline": (0, 0x300830028), "mainline-first": (0, 0),
}
COUNTERS = (
    [("rx packets", 2), ("rx bytes", 204), ("rx errors", 0)],
    [("tx packets", 2**63 - 1), ("tx bytes", 0)],
)


def vstats(cut=None):
    """VSTATS_GET; cut: what stands in place of the counters"""
    def answer(request):
        name, idx = request.get("DEV_NAME"), request.number("DEV_QUEUE_INDEX")
        if name not in VSTATS_DEVS:
            return [request.error(ENODEV, "No such device", at="DEV_NAME")]
        pairs, negotiated = VSTATS_DEVS[name]
        if idx is not None and idx > 8:
            return [request.error(EINVAL, "Device has 9 queues",
                                  at="DEV_QUEUE_INDEX")]
        fields = [("DEV_NAME", name), ("DEV_ID", 1),
                  ("DEV_NEGOTIATED_FEATURES", negotiated),
                  ("DEV_NET_CFG_MAX_VQP", pairs), ("DEV_QUEUE_INDEX", idx)]
        for key, value in COUNTERS[idx % 2] if cut is None else ():
            fields += [("DEV_VENDOR_ATTR_NAME", key),
                       ("DEV_VENDOR_ATTR_VALUE", value)]
        reply = [request.reply("DEV_VSTATS_GET", attrs(fields) + (cut or b""))]
        return reply + ([request.ack()] if request.flags & NLM_F_ACK else [])
    return answer


def getter(cmd, key, objects, no_such):
    """Answers MGMTDEV_GET or DEV_GET from a list of objects"""
    def name(obj):
        obj = dict(obj)
        bus = obj.get("MGMTDEV_BUS_NAME")
        if key == "DEV_NAME" or not bus:
            return obj.get(key)
        return f"{bus}/{obj[key]}"

    def answer(request):
        if request.flags & NLM_F_DUMP == NLM_F_DUMP:
            return request.dump(cmd, objects)
        wanted = request.get(key) if key == "DEV_NAME" else request.handle()
        found = [obj for obj in objects if name(obj) == wanted]
        if not found:
            return [no_such(request)]
        reply = [request.reply(cmd, found[0])]
        return reply + ([request.ack()] if request.flags & NLM_F_ACK else [])
    return answer


def acknowledge(request):
    return [request.ack()]


def mainline(mgmtdevs=None, devs=None):
    mgmtdevs = MGMTDEVS if mgmtdevs is None else mgmtdevs
    devs = MAINLINE_DEVS if devs is None else devs
    return dict(monitor=False, answers={
        "MGMTDEV_GET": getter(
            "MGMTDEV_NEW", "MGMTDEV_DEV_NAME", mgmtdevs,
            lambda r: r.error(ENODEV, "vdpa: Fail to find the specified mgmt device")),
        "DEV_GET": getter(
            "DEV_NEW", "DEV_NAME", devs,
            lambda r: r.error(ENODEV, "vdpa: device not found")),
        "DEV_NEW": acknowledge,
        "DEV_DEL": acknowledge,
    })


def mainline_configs(configs, devs=None):
    """... with this configuration space"""
    kernel = mainline(devs=devs)
    kernel["answers"].update({
        "DEV_CONFIG_GET": getter(
            "DEV_CONFIG_GET", "DEV_NAME", configs,
            lambda r: r.error(ENODEV, "vdpa: device not found")),
        "DEV_VSTATS_GET": vstats(), "DEV_ATTR_SET": acknowledge})
    return kernel


def make(request):
    """DEV_NEW of our kernel"""
    name = request.get("DEV_NAME") or "vdpa0"
    device = dict(DEV_NAME=name, MGMTDEV_DEV_NAME=request.get("MGMTDEV_DEV_NAME"),
                  DEV_ID=1, DEV_VENDOR_ID=0, DEV_MAX_VQS=3,
                  DEV_MAX_VQ_SIZE=256, DEV_MIN_VQ_SIZE=1, DEV_STATUS=0)
    echo = [request.reply("DEV_NEW", device)] if request.flags & 8 else []
    return echo + [request.ack()]


def ours(mgmtdevs=None, devs=None, **answers):
    mgmtdevs = MGMTDEVS if mgmtdevs is None else mgmtdevs
    devs = DEVS if devs is None else devs
    kernel = {
        "MGMTDEV_GET": getter(
            "MGMTDEV_NEW", "MGMTDEV_DEV_NAME", mgmtdevs,
            lambda r: r.error(ENODEV, "No such management device",
                              at="MGMTDEV_DEV_NAME")),
        "DEV_GET": getter(
            "DEV_NEW", "DEV_NAME", devs,
            lambda r: r.error(ENODEV, "No such device", at="DEV_NAME")),
        "DEV_NEW": make,
        "DEV_DEL": acknowledge,
        "DEV_CONFIG_GET": getter(
            "DEV_CONFIG_GET", "DEV_NAME", NET_CONFIGS + BLOCK_CONFIGS,
            lambda r: r.error(ENODEV, "No such device", at="DEV_NAME")),
        "DEV_VSTATS_GET": vstats(),
        "DEV_ATTR_SET": acknowledge, "MGMTDEV_SET": acknowledge,
        "DEV_STATS_GET": stats, "DEV_PROFILE_GET": profile, "MGMTDEV_CHECK": check,
    }
    kernel.update(answers)
    return dict(answers=kernel)


def refuse(errno, text=None, **kwargs):
    """A kernel that refuses everything in this way"""
    def answer(request):
        return [request.error(errno, text, **kwargs)]
    return dict(answers=dict.fromkeys(
        ("MGMTDEV_GET", "DEV_GET", "DEV_NEW", "DEV_DEL", "DEV_CONFIG_GET",
         "DEV_VSTATS_GET", "DEV_ATTR_SET", "MGMTDEV_SET",
         "DEV_STATS_GET", "DEV_PROFILE_GET", "MGMTDEV_CHECK"), answer))


OPTIONS = """
-js dev show n0
-sj dev show n0
dev show n0 -jps
-json -pretty dev show n0
-js -p dev show n0
-jso dev show n0
-stat dev show n0
-st dev show n0
-dsjp dev show n0
-jn blue dev show n0
-jsn blue dev show n0
dev -jsp show n0
dev add vdpasim_net name foo0 device_features -mtu -js
dev add vdpasim_net name foo0 device_features -js -mtu
"""

SHOW = """
mgmtdev show
mgmtdev list
mgmtdev
mgmtdev show vdpasim_net
mgmtdev show pci/0000:00:02.0
mgmtdev show vduse
-j mgmtdev show
-jp mgmtdev show
-j mgmtdev show vdpasim_net
-jp mgmtdev show pci/0000:00:02.0
-p mgmtdev show vduse
mgmtdev show nosuch
dev show
dev list
dev
dev show n0
dev list b0
dev show vdpa:0000:03:00.1
-j dev show
-jp dev show
dev show -jp
-j dev show b0
dev show n0 -jp
--json --pretty dev show n0
-p dev show n0
dev show nosuch
dev del n0
dev add name foo0 mgmtdev vdpasim_net
"""

# As iproute2's, byte by byte, for network cards
CONFIG = """
dev config show
dev config show n0
dev config show n1
dev config show n2
dev config show bare
dev config show vdpa:0000:03:00.1
-j dev config show
-jp dev config show
-j dev config show n0
-jp dev config show n1
-jp dev config show bare
dev config show nosuch
dev vstats show n1 qidx 0
dev vstats show n1 qidx 1
-j dev vstats show n1 qidx 0
-jp dev vstats show n1 qidx 1
dev vstats show n1 qidx 2
dev vstats show n2 qidx 2
dev vstats show n2 qidx 7
dev vstats show n2 qidx 8
"""

CONFIG_OURS = """
dev config
dev config list
dev config show name n0
-d dev config show
-dj dev config show
-djp dev config show b0
dev config show b0
dev config show b1
-j dev config show b1
-jp dev config show b0
-j dev config show nosuch
dev vstats
dev vstats show
dev vstats show n1
dev vstats show qidx 0
dev vstats list n1 qidx 0
dev vstats show name n1 qidx 0x1
dev vstats show qidx 1 name n1
dev vstats show n1 qidx 9
dev vstats show n1 qidx 4294967295
dev vstats show nosuch qidx 0
-j dev vstats show nosuch qidx 0
dev vstats show n0 qidx 1
dev vstats show n0 qidx 2
dev vstats show no-mq qidx 2
dev vstats show no-mq qidx 8
dev vstats show no-ctrl qidx 2
dev vstats show mq-first qidx 2
dev vstats show mq-first qidx 8
dev vstats show mainline qidx 0
dev vstats show mainline qidx 2
dev vstats show mainline-first qidx 0
dev vstats show mainline-first qidx 2
"""

SET = """
dev set name n0 mac 00:11:22:33:44:55
dev set n0 mac 0:a:Bb:c:dD:ff
dev set n0 mtu 9000
dev set n0 mtu 0x5dc
dev set n0 link up
dev set n0 link down
dev set n0 max_vqp 4
dev set mtu 1500 name n0 link down max_vqp 1 mac 2:0:0:0:0:1
dev set name name mtu 68
-j dev set n0 link up
-jp dev set n0 link up
"""

FEATURES = """
dev add vdpasim_net name foo0 device_features mac,mtu,version_1
dev add device_features MAC,bit_41,Ring_Packed name foo0 mgmtdev vdpasim_net
dev add vdpasim_net name foo0 type net device_features mq,csum
dev add vdpasim_net name foo0 type block device_features mq,flush
dev add vdpasim_net name foo0 type block device_features mq,csum
dev add vdpasim_net name foo0 type 26 device_features version_1
dev add vdpasim_net name foo0 type 26 device_features mq
dev add vdpasim_net name foo0 type 99 device_features bit_3,version_1
dev add vdpasim_net name foo0 device_features +rss,-MTU
dev add name foo0 device_features -mtu mgmtdev vdpasim_net
dev add vdpasim_net name foo0 device_features -CTRL_VQ,-bit_23 -j
dev add vdpasim_net name foo0 device_features -mtu type net
dev add vdpasim_net name foo0 device_features flush
dev add vduse name foo0 device_features mac
dev add vduse name foo0 type net device_features mac
dev add pci/0000:00:02.0 name foo0 device_features -mtu
dev add nosuch name foo0 device_features mac
dev add nosuch name foo0 type net device_features mac
dev add nosuch name foo0 type net device_features +mac
dev set n0 device_features 1
dev set n0 device_features mac,status mtu 1500
dev set n0 device_features -mac
dev set n0 device_features flush
dev set b0 device_features +ro
-j dev set b0 device_features -flush,-discard
dev set nosuch device_features mac
dev features set n0 mac,mtu
dev features set n0 -mac
dev features set n0 device_features +mq
dev features set name n0 device_features 0x20
dev features set device_features mac name n0
dev features set b0 csum
dev features set bare +mac
-j dev features set n0 mac
dev features
dev features show n0
dev features list b0
-j dev features show
-jp dev features show n1
dev features show nosuch
-j dev features show nosuch
dev features show vdpa:0000:03:00.1
"""

MAINLINE_SET = """
dev set name n0 mac 00:11:22:33:44:55
-j dev set name n0 mac 00:11:22:33:44:55
dev set name n0 mtu 1500
dev set name n0 mac 00:11:22:33:44:55 link down
-j dev set name n0 max_vqp 1
"""

JSON_ERRORS = """
-j mgmtdev show nosuch
-j dev show nosuch
-jp dev show nosuch
"""

ADD = """
dev add name foo0 mgmtdev vdpasim_net
dev add mgmtdev vdpasim_net name foo0
dev add vdpasim_net
dev add vdpasim_net name foo0
dev add vdpasim_net type net name foo0
dev add mgmtdev vdpasim_net
dev add mgmtdev name name mgmtdev
dev add name foo0 mgmtdev pci/0000:00:02.0
dev add name foo0 mgmtdev auxiliary/mlx5_core.sf.1 mac 00:11:22:33:44:55 max_vqp 8
dev add name foo0 mgmtdev m mac 0:a:Bb:c:dD:ff mtu 1500 max_vqp 1 device_features 0x300020000
dev add name foo0 mgmtdev m mtu 0x5dc
dev add name foo0 mgmtdev m mtu 010
dev add name foo0 mgmtdev m mtu 0
dev add name foo0 mgmtdev m mtu 65535
dev add name foo0 mgmtdev m device_features 300020000
dev add name foo0 mgmtdev m device_features 0XFFFFFFFFFFFFFFFF
dev add name foo0 mgmtdev m type network
dev add name foo0 mgmtdev m type block
dev add name foo0 mgmtdev m type blk
dev add name foo0 mgmtdev m type 26
dev add name foo0 mgmtdev m type 0x1a
dev add name foo0 mgmtdev m type 4294967295
-j dev add name foo0 mgmtdev vdpasim_net
-jp dev add vdpasim_net
-d dev add vdpasim_net
dev add vdpasim_net -j
dev del foo0
dev del name foo0
-j dev del foo0
-jp dev del foo0
"""

MAINLINE_ADD = """
dev add name n0 mgmtdev vdpasim_net
-j dev add name n0 mgmtdev vdpasim_net
-jp dev add name n0 mgmtdev vdpasim_net
-j dev add name gone mgmtdev vdpasim_net
monitor
-j monitor
"""

DETAILS = """
-d dev show
-dj dev show
-djp dev show b0
--details mgmtdev show vdpasim_net
"""

STATS_LINES = """
dev stats show n0
dev stats
dev stats list b0
-d dev stats show n0
-d dev stats show b0
dev stats show n0 qidx 1
dev stats show qidx 2
-j dev stats show
-jp dev stats show n0
-jd dev stats show n0 qidx 0
dev stats show name n0 qidx 3
dev stats show nosuch
-j dev stats show nosuch
dev queue show n0
dev queue
-d dev queue list n0 qidx 0
dev queue show b0
dev queue show qidx 1
-j dev queue show
-jp dev queue show n0
dev queue show nosuch qidx 0
-s dev show
-s dev show n0
-sj dev show
-sjp dev show b0
-sd dev show n0
-s dev show nosuch
-s mgmtdev show vduse
"""

BATCH_FILES = {
    "good": """# a comment
dev add name foo0 mgmtdev vdpasim_net mtu 1500   # behind a command
dev show n0

\tdev  'show' "b0"\r
dev add name foo1 \\
    mgmtdev vdp"asim"_n'et' \\
    mac 2:0:0:0:0:1
dev show vdpa\\:0000:03:00.1
dev set "n0" li'nk' down
dev del foo0""",
    "bad": """dev del foo0
dev show nosuch
dev add m mtu x
dev dle n0
dev del foo1
monitor
dev show "n0
dev show 'n0
dev show n0#not-a-comment
dev show a\\ b "c\\"d" "e\\f" 'g\\h'
dev show ""
%s
help
vdpa dev show
-j dev show
dev show n0 \\
""" % ("x " * 200),
    "backslash": "dev show n0 \\", "nul": b"dev del n0\ndev del n1\0 n2\ndev del n2\n",
    "long": "dev show " + "x" * 70000 + "\n", "empty": "", "comments": "#\n  # x\n\n",
    "help": "dev show help\ndev show n0\n", "profile": "dev add vdpasim_net profile -\n",
    "control": "dev show a\x1bb\n", "last": "dev show n0\ndev show nosuch",
}
BATCH = """
-b good
-batch good
--batch=good -j
-jp -b good
-b bad
-force -b bad
-b bad -f -j
-b - -d
-b nosuch
-b .
-b backslash
-b nul
-f -b nul
-b long
-b empty
-j -b empty
-b comments
-b help
-j -b help
-b control
-b last
-b profile
-b -
-n blue -b good
-b good help
"""

SAVE = """
save
-j save
-jp save
save b0
save b0 n1
-j save n1
save nosuch
save n0 nosuch
-j save nosuch
save save
"""

# Devices that were changed since they were created, and what can be changed
ALL_FEATURES = 0x1330c3302b
CHANGING = dict(MGMTDEVS[0], DEV_SUPPORTED_FEATURES=ALL_FEATURES, MGMTDEV_ADD_ATTRS=[
    "DEV_FEATURES", "DEV_NET_CFG_MACADDR", "DEV_NET_CFG_MTU", "DEV_NET_CFG_MAX_VQP",
    "DEV_NET_VLAN", "DEV_DRIVER"], MGMTDEV_SET_ATTRS=[
        "DEV_FEATURES", "DEV_NET_CFG_MACADDR", "DEV_NET_CFG_MTU", "DEV_NET_CFG_MAX_VQP",
        "DEV_NET_STATUS"])
CHANGING_DISKS = dict(MGMTDEVS[1], DEV_SUPPORTED_FEATURES=0x300001260, MGMTDEV_ADD_ATTRS=[
    "DEV_FEATURES", "DEV_BLK_CFG_CAPACITY", "DEV_BLK_READ_ONLY", "DEV_DRIVER"],
                      MGMTDEV_SET_ATTRS=["DEV_FEATURES"])
# takes nothing at creation, and then all of it
LATER = dict(MGMTDEVS[0], MGMTDEV_DEV_NAME="later", MGMTDEV_ADD_ATTRS=["DEV_DRIVER"],
             MGMTDEV_SET_ATTRS=["DEV_NET_CFG_MACADDR", "DEV_NET_CFG_MTU", "DEV_NET_STATUS"])
# of its devices nothing can be changed
FIXED = dict(MGMTDEVS[0], MGMTDEV_DEV_NAME="fixed", MGMTDEV_ADD_ATTRS=[
    "DEV_FEATURES", "DEV_NET_CFG_MACADDR", "DEV_NET_CFG_MTU", "DEV_NET_CFG_MAX_VQP"])
ADDRESS, OTHER_ADDRESS = b"\x02\0\0\0\0\x01", b"\x02\0\0\0\0\x02"
CTRL_VQ, MAC, MTU, RO, FLUSH, BLK_MQ = 1 << 17, 1 << 5, 1 << 3, 1 << 5, 1 << 9, 1 << 12


def changed():
    """Each device is called by what happened to it"""
    now = dict(DEV_NET_CFG_MACADDR=ADDRESS, DEV_NET_STATUS=1, DEV_NET_CFG_MAX_VQP=2,
               DEV_NET_CFG_MTU=1500, DEV_FEATURES=ALL_FEATURES)
    disk = dict(DEV_BLK_CFG_CAPACITY=2048, DEV_BLK_READ_ONLY=0, DEV_BLK_FLUSH=1,
                DEV_FEATURES=0x300001240)
    less = ALL_FEATURES & ~MAC
    devices = [
        ("nothing", CHANGING, None, now),
        ("all", CHANGING, dict(DEV_NET_CFG_MACADDR=OTHER_ADDRESS, DEV_NET_CFG_MTU=9000,
                               DEV_NET_CFG_MAX_VQP=2, DEV_NET_VLAN=7),
         dict(now, DEV_NET_STATUS=2, DEV_NET_CFG_MAX_VQP=1)),
        ("pairs", CHANGING, None, dict(now, DEV_NET_CFG_MAX_VQP=1)),
        ("features", CHANGING, dict(DEV_NET_CFG_MACADDR=ADDRESS),
         {key: value for key, value in dict(now, DEV_FEATURES=less).items()
          if key != "DEV_NET_CFG_MACADDR"}),
        ("given-features", CHANGING, dict(DEV_FEATURES=ALL_FEATURES & ~MTU,
                                          DEV_NET_CFG_MACADDR=ADDRESS),
         dict(DEV_NET_STATUS=1, DEV_NET_CFG_MAX_VQP=2, DEV_FEATURES=less & ~MTU)),
        ("queues", CHANGING, dict(DEV_NET_CFG_MACADDR=ADDRESS),
         dict(DEV_NET_STATUS=1, DEV_NET_CFG_MAX_VQP=2, DEV_FEATURES=less & ~CTRL_VQ)),
        ("given-queues", CHANGING, dict(DEV_FEATURES=ALL_FEATURES & ~MTU), dict(
            DEV_NET_STATUS=0, DEV_NET_CFG_MACADDR=ADDRESS, DEV_NET_CFG_MAX_VQP=1,
            DEV_FEATURES=ALL_FEATURES & ~MTU & ~CTRL_VQ)),
        ("later", LATER, None, dict(now, DEV_NET_STATUS=0)),
        ("fixed", FIXED, dict(DEV_FEATURES=NET_FEATURES), dict(now, DEV_FEATURES=1)),
        ("no-address", CHANGING, None, dict(now, DEV_NET_CFG_MACADDR=bytes(6),
                                            DEV_NET_CFG_MTU=67)),
        ("group-address", CHANGING, None, dict(now, DEV_NET_CFG_MACADDR=b"\x01" * 6,
                                               DEV_NET_CFG_MTU=68)),
        ("unknown", dict(MGMTDEV_DEV_NAME="unknown"), dict(DEV_NET_CFG_MTU=1400), now),
        ("gone", CHANGING, dict(DEV_NET_CFG_MTU=1400), None),
        ("disk", CHANGING_DISKS, dict(DEV_BLK_CFG_CAPACITY=2048), disk),
        ("read-only", CHANGING_DISKS, None,
         dict(disk, DEV_BLK_READ_ONLY=1, DEV_FEATURES=0x300001260)),
        ("not-any-more", CHANGING_DISKS, dict(DEV_BLK_READ_ONLY=1), disk),
        ("flush", CHANGING_DISKS, dict(DEV_BLK_READ_ONLY=1), dict(
            disk, DEV_BLK_READ_ONLY=1, DEV_BLK_FLUSH=0, DEV_FEATURES=0x300001060)),
        ("given-ro", CHANGING_DISKS, dict(DEV_FEATURES=0x300001260, DEV_BLK_READ_ONLY=1),
         disk),
        ("disk-queues", CHANGING_DISKS, dict(DEV_BLK_READ_ONLY=1),
         dict(disk, DEV_FEATURES=0x300000240)),
    ]
    devs, configs = [], []
    for name, mgmtdev, created, config in devices:
        device = dict(DEV_NAME=name, MGMTDEV_DEV_NAME=mgmtdev["MGMTDEV_DEV_NAME"],
                      DEV_ID=2 if mgmtdev is CHANGING_DISKS else 1)
        devs.append(dict(device, DEV_MAX_VQS=5, **{"DEV_CREATED": created} if created else {}))
        if config:
            configs.append(dict(device, **config))
    return ours([CHANGING, CHANGING_DISKS, LATER, FIXED], devs, DEV_CONFIG_GET=getter(
        "DEV_CONFIG_GET", "DEV_NAME", configs,
        lambda r: r.error(ENODEV, "No such device", at="DEV_NAME")))


CHANGED_LINES = """
save
save queues all
-j save given-queues
save gone
"""

# What must not be taken for an id: of another type, too long, none, cut off
ODD_NSIDS = {
    "a": nlmsg(89, bytes(4) + raw_attr(1, struct.pack("=i", 3)), seq=1),
    "b": nlmsg(88, bytes(4) + raw_attr(1, bytes(8)), seq=2),
    "c": -1,
    "d": nlmsg(88, bytes(4) + raw_attr(1, struct.pack("=i", 3)), seq=4)[:20],
}

# What saving them has to quote
ODD_NAMES = ["plain", "with'quote", 'with"double', "with\\\\backslash", "#comment", "-dash", "$(x)",
             "*", "~", "mgmtdev", "a:b.c@d%e+f=g,h-i_j"]
ODD_NAMED = [dict(DEV_NAME=name, MGMTDEV_DEV_NAME=name, MGMTDEV_BUS_NAME="pci", DEV_ID=1,
                  DEV_CREATED=dict(DEV_DRIVER=name)) for name in ODD_NAMES]

FULL = """
mgmtdev show
-d mgmtdev show
-dj mgmtdev show
-djp mgmtdev show vdpasim_net
-d mgmtdev show vduse
mgmtdev resource show
mgmtdev resource
mgmtdev resource list vdpasim_net
mgmtdev resource show mgmtdev vdpasim_blk
-j mgmtdev resource show
-jp mgmtdev resource show vdpasim_net
mgmtdev resource show nosuch
dev show
-j dev show
-d dev show
-dj dev show
-djp dev show b0
"""

NEAR = """
dev show n3
dev show b00
dev show vdpa:0000:03:01.0
dev del nn0
dev set nO mtu 1500
-j dev config show bO
dev vstats show no qidx 0
dev stats show bb0
dev show vdpa
dev add vdpsim_net
dev add vdpasim
dev add name n0 mgmtdev vdpasim_nte
mgmtdev show vduze
-j mgmtdev show pci/0000:00:02.1
mgmtdev show 0000:00:02.0
mgmtdev resource show vdpasim_bkl
save b1
dev features set b1 +ro
dev features show b9
"""

# What the kernel of Linux 6.12 would silently do without
MAINLINE_OURS = """
dev add vdpasim_net name foo0 vlan 5
dev add vdpasim_net name foo0 capacity 1M
dev add vdpasim_net name foo0 read_only off
-j dev add vdpasim_net name foo0 driver none
dev set n0 vlan 5
dev set b0 capacity 1M mac 2:0:0:0:0:1
"""

ADD_MORE = """
dev add vdpasim_net name foo0 vlan 1
dev add vdpasim_net name foo0 vlan 4094 driver vhost_vdpa
dev add vdpasim_net name foo0 driver none
dev add vdpasim_blk name foo0 capacity 2048 read_only on
dev add vdpasim_blk name foo0 capacity 0x800 read_only off
dev add vdpasim_blk name foo0 capacity 1K
dev add vdpasim_blk name foo0 capacity 3m
dev add vdpasim_blk name foo0 capacity 16G
dev add vdpasim_blk name foo0 capacity 8388607T
dev add vdpasim_blk name foo0 capacity 18446744073709551615
dev set n0 vlan 7
dev set n0 driver vhost_vdpa vlan 8
dev set b0 capacity 1T read_only off
"""

NETNS = """
mgmtdev set vdpasim_net netns blue
mgmtdev set netns blue mgmtdev pci/0000:00:02.0
-j mgmtdev set vdpasim_net netns /proc/self/ns/net
mgmtdev set vdpasim_net netns nosuch
mgmtdev set vdpasim_net netns /no/such
mgmtdev set vdpasim_net netns 4194305
-j mgmtdev set nosuch netns nosuch
-n blue mgmtdev show vdpasim_net
-jn blue dev show n0
--netns blue dev show n0
--netns=blue -netns nosuch dev show n0
-n nosuch dev show
dev show -n /dev/null
-n nosuch help
"""

ODD_MGMTDEVS = [
    dict(MGMTDEV_DEV_NAME="net", MGMTDEV_SUPPORTED_CLASSES=2,
         DEV_MGMTDEV_MAX_VQS=2**32 - 1, DEV_SUPPORTED_FEATURES=2**64 - 1),
    dict(MGMTDEV_DEV_NAME="block", MGMTDEV_SUPPORTED_CLASSES=4,
         DEV_MGMTDEV_MAX_VQS=1, DEV_SUPPORTED_FEATURES=2**64 - 1),
    dict(MGMTDEV_DEV_NAME="net-and-block", MGMTDEV_SUPPORTED_CLASSES=6,
         DEV_MGMTDEV_MAX_VQS=1, DEV_SUPPORTED_FEATURES=2**64 - 1),
    dict(MGMTDEV_DEV_NAME="none", MGMTDEV_SUPPORTED_CLASSES=0,
         DEV_MGMTDEV_MAX_VQS=1, DEV_SUPPORTED_FEATURES=2**63 + 2**32 + 1),
    dict(MGMTDEV_DEV_NAME="all", MGMTDEV_SUPPORTED_CLASSES=2**64 - 1),
    dict(MGMTDEV_DEV_NAME="bare"),
]
ODD_DEVS = [
    dict(DEV_NAME=f"class{number}", DEV_ID=number)
    for number in [*range(0, 43), 63, 64, 2**31, 2**32 - 1]
] + [
    dict(DEV_NAME="bare"),
    dict(DEV_NAME="most", MGMTDEV_DEV_NAME="m", DEV_ID=1,
         DEV_VENDOR_ID=2**32 - 1, DEV_MAX_VQS=2**32 - 1,
         DEV_MAX_VQ_SIZE=65535, DEV_MIN_VQ_SIZE=65535, DEV_STATUS=255,
         DEV_DRIVER="d"),
]
ODD = """
mgmtdev show
-j mgmtdev show
-jp mgmtdev show bare
dev show
-j dev show
-dj dev show most
"""

STRANGE_NAMES = [
    b"esc\x1b[31m\0", b"quote\"back\\slash/'\0", b"new\nline\ttab\x7f\x01\0",
    "gr\u00fc\u00df \u2603 \U0001f427\0".encode(), b"latin1-\xfc\xff\0",
    b"cut-\xe2\x98\0", b"overlong-\xc0\xaf\0", b"surrogate-\xed\xa0\x80\0",
    b"two\0strings\0", b"\0", b"x" * 300 + b"\0",
]
STRANGE = dict(
    mgmtdevs=[dict(MGMTDEV_DEV_NAME=name, MGMTDEV_BUS_NAME=name)
              for name in STRANGE_NAMES] + [
                  dict(MGMTDEV_BUS_NAME=b"b" * 30000 + b"\0",
                       MGMTDEV_DEV_NAME=b"d" * 2000 + b"\0")],
    devs=[dict(DEV_NAME=name, MGMTDEV_DEV_NAME=name, DEV_STATUS=0,
               DEV_DRIVER=name) for name in STRANGE_NAMES])
STRANGE_LINES = """
mgmtdev show
-j mgmtdev show
-jp mgmtdev show
dev show
-d dev show
-dj dev show
-djp dev show
"""

# As short as iproute2 takes them; last the short form of ours besides
SHORT = """
m
mgmt
mgmtd show
mgmtdev s vdpasim_net
-j m sh pci/0000:00:02.0
mgmtdev l
m li vduse
d
d s
d sh n0
-jp de l n0
dev s nosuch
dev list b0
dev c
d c s
-j dev conf sh n0
dev co show n2
d d n0
dev de n0
d a name foo0 mgmtdev vdpasim_net
dev ad n foo0 m vdpasim_net
dev add m vdpasim_net n foo0
dev add na foo0 mgmt pci/0000:00:02.0 mac 00:11:22:33:44:55 mtu 1500 max 2
dev add mtu 1500 max_v 2 mg vdpasim_net mac 00:11:22:33:44:55 nam foo0
dev add mac 00:11:22:33:44:55 m vdpasim_net mtu 1500 name foo0
h
he
m h
d hel
dev c h
"""
SHORT_OURS = """
dev add m name foo0
dev add m mtu 1500 name foo0
dev add m n foo0
dev add m name foo0 mtu 1500
dev add m mtu n foo0
dev add m mac
dev add m m
dev add m foo0
d se n0 mtu 1500
dev s n0 mtu 1500
dev st
dev f
dev v
dev config l
dev stats s
mo
s
m r
mgmtdev set m n blue
dev set n n0 mtu 1500
dev show h
"""

# Command lines that are wrong in themselves: the kernel is not asked
USAGE = """
nosuch
mgmtv
mo
devs
""
-x
-jx
--nosuch
--json=1
-j -j --pretty=x dev show
dev nosuch
dev se
dev shw
dev shwo
dev ist
dev delete
dev x
mgtmdev show
Monitor
mgmtdev add
mgmtdev show a b
mgmtdev show a mgmtdev b
mgmtdev show ""
mgmtdev show /
mgmtdev show /a
mgmtdev show a/
mgmtdev show a/b/c
dev show a b
dev show a name b
dev show name
dev add
dev add name
dev add name foo0
dev add name foo0 mgmtdev
dev add name foo0 mgmtdev a/b/c
dev add name foo0 mgmtdev m name foo1
dev add m mgmtdev m
dev add m nane foo0
dev add m m
dev add m mad 00:11:22:33:44:55
dev add m mac
dev add m mac zz
dev add m mac ""
dev add m mac 00:11:22:33:44
dev add m mac 00:11:22:33:44:55:66
dev add m mac 00:11:22:33:44:
dev add m mac 00:11:22:33:44:555
dev add m mac 00-11-22-33-44-55
dev add m mac :11:22:33:44:55
dev add m mac g0:11:22:33:44:55
dev add m mtu 70000
dev add m mtu 65536
dev add m mtu 0x10000
dev add m mtu -- -1
dev add m mtu +5
dev add m mtu 1500x
dev add m mtu " 5"
dev add m mtu ""
dev add m mtu 0x
dev add m mtu 5dc
dev add m mtu 99999999999999999999999
dev add m max_vqp 65536
dev add m max_vqp many
dev add m device_features 0x
dev add m device_features ""
dev add m device_features 0x10000000000000000
dev add m device_features 0y1
dev add m device_features MACC
dev add m device_features mac,
dev add m device_features mac,,mtu
dev add m device_features +
dev add m device_features +mac,mtu
dev add m device_features mac,-mtu
dev add m device_features -MAC,+MTUU
dev add m device_features -nosuch
dev add m device_features -NOSUCH
dev add m device_features -MACC
dev add m device_features -packed_ring name foo0
dev add m device_features -js
dev add m device_features -x
dev add m device_features --nosuch
dev features set n0 -nosuch
dev features set -j n0 -NOSUCH -p
dev features set name n0 device_features -batches
dev add m device_features bit_64
dev add m device_features bit_
dev add m device_features bit_007
dev add m device_features bit_1x
dev add m device_features xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx
dev add m device_features 0x0x1
dev add m type nosuch
dev add m type bolck
dev add m type vsok
dev add m tpye net
dev add m mtuu 1500
dev add m type Net
dev add m type 4294967296
dev add m type ""
dev add m type -- -1
dev set
dev set n0
dev set name n0
dev set mtu 1500
dev set n0 mtu
dev set n0 mtu 65536
dev set n0 mtu 1500 mtu 1500
dev set n0 n1 mtu 1500
dev set n0 mac 1:2:3:4:5
dev set n0 max_vqp -- -1
dev set n0 link
dev set n0 link UP
dev set n0 link ""
dev set n0 link 1
dev set n0 lin up
dev add m vlan 0
dev add m vlan 4095
dev add m vlan ""
dev add m capacity K
dev add m capacity ""
dev add m capacity 0x1K
dev add m capacity 1.5G
dev add m capacity 8388608T
dev add m capacity 36028797018963968K
dev add m capacity 18446744073709551616
dev add m capacity 1KiB
dev add m capacity 1111111111111111111111111111K
dev add m read_only yes
dev add m driver
dev set n0 vlan 4095
dev set n0 read_only 1
mgmtdev set
mgmtdev set m
mgmtdev set m netns
mgmtdev set m netns ""
mgmtdev set netns x
mgmtdev set m net x
mgmtdev check
mgmtdev check m
mgmtdev check m profile
mgmtdev check m profile ""
mgmtdev check profile x
dev add m profile ""
dev add m profile a profile b
dev profile
dev profile show
dev profile show a b
mgmtdev resource x
mgmtdev resource show a b
-n
--netns
-b
-b good dev show
dev show -b good
-forc
-bb good x
dev set n0 device_features nosuch
dev features set
dev features set n0
dev features set device_features mac
dev features set n0 mac mac
dev features set n0 mac mtu
dev features set n0 device_features
dev features set n0 macc
dev features shw
dev features show a b
dev features nosuch
-j dev set n0
dev config nosuch
dev config show a b
dev config show a name b
dev config show name
dev confg
dev vstats show n0 qidx
dev vstats show n0 qidx x
dev vstats show n0 qidx 4294967296
dev vstats show n0 qidx 1 qidx 1
dev vstats show n0 1
dev vstats nosuch
dev stats nosuch
dev stats show a b
dev stats show n0 qidx
dev stats show n0 qidx x
dev stats show n0 qidx 1 qidx 1
dev queue show n0 index 1
dev queu
dev vst
dev del
dev del a b
dev del name
-j dev del
-j dev nosuch
monitor nosuch
monitor dev dev
monitor timestamp timestamp
monitor tim
-j monitor nosuch
dev add m "odd\x1b[31m"
"""

HELP = """
help
-h
--help
mgmtdev help
dev help
dev -h
dev show help
dev add help
dev add --help
dev del help
dev set help
dev config help
dev config show help
dev vstats help
dev vstats show help
dev add m mtu 1 -h
monitor help
-j help
-V
--Version
--version
-jV
-jpV
-V nosuch
"""


def refusals():
    """Errors as the kernel gives them: (name, kernel, lines)"""
    add = "dev add name foo0 mgmtdev vdpasim_net"
    long = " mtu 67 mac 00:00:00:00:00:00 type block max_vqp 9 device_features f0"
    yield "no-mgmtdev", refuse(ENODEV, "No such management device",
                               at="MGMTDEV_DEV_NAME"), f"""
{add}
dev add nosuch
dev add pci/nosuch name foo0
mgmtdev show nosuch
-j {add}
"""
    yield "bus-at-fault", refuse(EINVAL, "Unknown attribute type",
                                 at="MGMTDEV_BUS_NAME"), """
dev add pci/nosuch name foo0
"""
    for name, attribute, errno, text in (
            ("taken", "DEV_NAME", EEXIST, "Device name is taken"),
            ("low-mtu", "DEV_NET_CFG_MTU", ERANGE, "MTU is below 68"),
            ("zero-mac", "DEV_NET_CFG_MACADDR", EINVAL,
             "MAC address is not a unicast address"),
            ("wrong-class", "DEV_ID", EOPNOTSUPP,
             "Class is not supported by the management device"),
            ("no-max-vqp", "DEV_NET_CFG_MAX_VQP", EOPNOTSUPP,
             "Attribute is not supported by the management device"),
            ("no-feature", "DEV_FEATURES", EINVAL,
             "Features are not supported by the management device")):
        yield name, refuse(errno, text, at=attribute), add + long
    change = "dev set foo0 link up mtu 67 max_vqp 0 mac 01:00:00:00:00:00"
    for name, attribute, errno, text in (
            ("no-change", "DEV_NAME", EOPNOTSUPP, "Device cannot be changed"),
            ("change-mtu", "DEV_NET_CFG_MTU", ERANGE, "MTU is below 68"),
            ("change-mac", "DEV_NET_CFG_MACADDR", EINVAL,
             "MAC address is not a unicast address"),
            ("change-pairs", "DEV_NET_CFG_MAX_VQP", EOPNOTSUPP,
             "Attribute cannot be changed"),
            ("change-link", "DEV_NET_STATUS", EOPNOTSUPP,
             "Attribute cannot be changed")):
        yield name, refuse(errno, text, at=attribute), change + "\n-j " + change
    yield "no-index", refuse(EINVAL, "Queue index not given",
                             missing="DEV_QUEUE_INDEX"), """
dev vstats show foo0 qidx 0
"""
    yield "not-yet", refuse(EAGAIN, "vdpa: feature negotiation not complete"), """
dev vstats show foo0 qidx 0
"""
    yield "done-but", ours(
        DEV_ATTR_SET=lambda r: [r.ack("vdpa: nothing was set")]), """
dev set foo0 mac 2:0:0:0:0:1
-j dev set foo0 mac 2:0:0:0:0:1
"""
    yield "capped", refuse(EEXIST, "Device name is taken", at="DEV_NAME",
                           capped=True), add
    yield "missing", refuse(EINVAL, "Management device not given",
                            missing="MGMTDEV_DEV_NAME"), add
    yield "missing-silent", refuse(EINVAL, missing="DEV_NAME"), add + """
dev add vdpasim_net
"""
    yield "missing-unknown", refuse(EINVAL, missing="DEV_QUEUE_INDEX"), add
    yield "silent", refuse(EEXIST), add + """
dev add vdpasim_net
dev del foo0
dev show foo0
dev show
dev set foo0 mtu 68
dev config show foo0
dev config show
dev vstats show foo0 qidx 1
mgmtdev show pci/x
mgmtdev show
"""
    yield "silent-at", refuse(EINVAL, at="DEV_NAME"), add
    yield "text-only", refuse(EBUSY, "vdpa: Busy now!"), add
    yield "nowhere", refuse(EINVAL, "Somewhere else", offset=9999), add
    yield "strange-text", refuse(EINVAL, "a\x1b[31m\nb"), add
    yield "permission", refuse(EPERM), add + """
dev del foo0
-j dev del foo0
dev set foo0 mtu 68
dev vstats show foo0 qidx 0
"""
    yield "permission-text", refuse(EPERM, "Needs CAP_NET_ADMIN"), add
    yield "unknown-errno", refuse(524), add
    yield "mainline-no-name", dict(refuse(EINVAL), monitor=False), """
dev add vdpasim_net
-j dev add vdpasim_net
"""


def replies(cmd, payload, also=b""):
    """A kernel that answers any GET with these attributes, then a good one"""
    def answer(request):
        message = genlmsg_of(request, cmd, payload)
        if request.flags & NLM_F_DUMP != NLM_F_DUMP:
            return [message]
        return [message + (genlmsg_of(request, cmd, also) if also else b""),
                request.done()]
    return dict(answers=dict.fromkeys(
        ("MGMTDEV_GET", "DEV_GET", "DEV_CONFIG_GET", "DEV_VSTATS_GET", "DEV_STATS_GET"),
        answer))


def genlmsg_of(request, cmd, payload):
    return genlmsg(CMD[cmd], payload, seq=request.seq)


GOOD = attrs(dict(DEV_NAME="good", MGMTDEV_DEV_NAME="m", DEV_ID=1))
BAD = "dev show bad\ndev show\n-j dev show bad\n-j dev show"


def malformed():
    """Messages no kernel should send: (name, kernel, lines)"""
    name = attr("DEV_NAME", "bad")
    for text, payload in (
            ("nameless", attr("DEV_ID", 1)),
            ("empty", b""),
            ("unterminated", attr("DEV_NAME", b"bad")),
            ("zero-length-name", attr("DEV_NAME", b"")),
            ("short-u32", name + attr("DEV_ID", b"\1\0")),
            ("long-u32", name + attr("DEV_ID", b"\1\0\0\0\0\0\0\0")),
            ("empty-u16", name + attr("DEV_MAX_VQ_SIZE", b"")),
            ("long-status", name + attr("DEV_STATUS", b"\1\0\0\0")),
            ("unterminated-driver", name + attr("DEV_DRIVER", b"drv")),
            ("cut-by-a-byte", name + struct.pack("=HH", 7, ATTR["DEV_DRIVER"]) + b"a\0"),
            ("cut-off", name + struct.pack("=HH", 12, ATTR["DEV_ID"]) + bytes(4)),
            ("tiny-nla-len", name + struct.pack("=HH", 3, ATTR["DEV_ID"]) + bytes(4)),
            ("huge-nla-len", name + struct.pack("=HH", 65535, ATTR["DEV_ID"]))):
        yield text, replies("DEV_NEW", payload, also=GOOD), BAD + "\nsave"
    yield "mgmtdev-nameless", replies(
        "MGMTDEV_NEW", attr("MGMTDEV_BUS_NAME", "pci")), """
mgmtdev show x
-j mgmtdev show
"""
    yield "mgmtdev-short-u64", replies(
        "MGMTDEV_NEW", attrs(dict(MGMTDEV_DEV_NAME="m",
                                  DEV_SUPPORTED_FEATURES=b"\1\0\0\0"))), """
mgmtdev show m
-j mgmtdev show
"""
    for text, payload in (
            ("short-mac", attr("DEV_NET_CFG_MACADDR", b"12345")),
            ("long-mac", attr("DEV_NET_CFG_MACADDR", b"1234567")),
            ("empty-mac", attr("DEV_NET_CFG_MACADDR", b"")),
            ("short-mtu", attr("DEV_NET_CFG_MTU", b"\0\0\0")),
            ("short-capacity", attr("DEV_BLK_CFG_CAPACITY", bytes(4))),
            ("long-flush", attr("DEV_BLK_FLUSH", b"\1\0"))):
        yield text, replies("DEV_CONFIG_GET", name + payload, also=GOOD), """
dev config show bad
dev config show
-j dev config show
"""
    yield from malformed_nests(name)
    yield from malformed_queues(name)
    for text, payload in (
            ("reason-short", attrs([nest("CHECK_REASON", "reason", dict(ATTR=b"1"))])),
            ("reason-strange", attrs([nest("CHECK_REASON", "reason", dict(
                ATTR=ATTR["DEV_FEATURES"], TEXT=b"\x1b[1m\xff\0", WANTED=2**64 - 1))]))):
        yield text, ours(MGMTDEV_CHECK=lambda r, p=payload: [r.reply(
            "MGMTDEV_CHECK", attr("MGMTDEV_DEV_NAME", b"m\n\0") + p)]), """
mgmtdev check m profile -
-j mgmtdev check m profile -
"""
    yield "profile-strange", ours(DEV_PROFILE_GET=lambda r: [r.reply("DEV_PROFILE_GET", dict(
        DEV_NAME=b"\xff\n\0", DEV_ID=2**32 - 1, DEV_FEATURES=2**64 - 1,
        DEV_BACKEND_FEATURES=2**64 - 1, DEV_BLK_CFG_CAPACITY=2**64 - 1))]), """
dev profile show m
-j dev profile show m
"""
    yield from malformed_counters()
    # of kernels to come, and of the others: to be passed over
    yield "unknown-attributes", replies("DEV_NEW", b"".join((
        raw_attr(0, b""), name, raw_attr(ATTR["MAX"], b"x"), raw_attr(255, b""),
        raw_attr(ATTR["DEV_DRIVER"] + 1, b"abc"), raw_attr(0x3fff, bytes(8)),
        raw_attr(ATTR["DEV_ID"] | 0x8000, b"\2\0\0\0")))), \
        "dev show\n-j dev show bad"
    # nothing to print, before anything was
    yield "empty-name", replies("DEV_NEW", attr("DEV_NAME", "")), BAD
    yield "mgmtdev-empty-name", replies(
        "MGMTDEV_NEW", attr("MGMTDEV_DEV_NAME", "")), """
mgmtdev show x
-j mgmtdev show
"""
    yield "talkative", dict(answers={"DEV_DEL": lambda request: [
        request.reply("DEV_DEL", dict(DEV_NAME="n0", DEV_ID=1)), request.ack()]}), """
dev del n0
-j dev del n0
-jp dev del n0
"""
    yield "silent", ours(DEV_PROFILE_GET=lambda r: [r.ack()],
                         MGMTDEV_CHECK=lambda r: [r.ack()]), """
dev profile show m
-j dev profile show m
mgmtdev check m profile -
-j mgmtdev check m profile -
"""
    yield "given-twice", replies("DEV_NEW", attrs([
        ("DEV_NAME", "first"), ("DEV_NAME", "last"), ("DEV_ID", 1),
        ("DEV_ID", 2)])), "dev show"


def malformed_nests(name):
    """Nests that are broken inside, or hold what is not known"""
    created = ATTR["DEV_CREATED"] | 0x8000
    deep = b""
    for _ in range(100):
        deep = raw_attr(created, deep)
    for text, payload in (
            ("nest-cut-off", raw_attr(created, struct.pack("=HH", 9, ATTR["DEV_ID"]))),
            ("nest-trailing-byte", raw_attr(created, attr("DEV_NET_CFG_MTU", 5) + b"x")),
            ("nest-short-value", raw_attr(created, raw_attr(ATTR["DEV_NET_CFG_MTU"], b"1"))),
            ("nest-in-nest", deep),
            ("nest-unknown", raw_attr(created, raw_attr(200, b"?") + raw_attr(300, b"?") +
                                      attr("DEV_NET_CFG_MTU", 5))),
            ("nest-empty", raw_attr(created, b""))):
        yield text, replies("DEV_NEW", name + payload, also=GOOD), \
            BAD + "\n-d dev show bad\n-dj dev show"
    for text, payload in (
            ("numbers-odd", attr("MGMTDEV_ADD_ATTRS", b"12345")),
            ("numbers-none", attr("MGMTDEV_ADD_ATTRS", b"")),
            ("resource-nameless", attrs([nest("MGMTDEV_RESOURCE", "resource", dict(USED=1))])),
            ("resource-empty", attrs([nest("MGMTDEV_RESOURCE", "resource", {})])),
            ("resource-short", attrs([nest("MGMTDEV_RESOURCE", "resource",
                                           dict(NAME="x", USED=b"1234"))])),
            ("resource-strange", attrs([nest("MGMTDEV_RESOURCE", "resource", dict(
                NAME=b"a\nb\0", UNIT=b"\xff\0", USED=2**64 - 1, SIZE=0))] * 2))):
        yield text, replies("MGMTDEV_NEW", attr("MGMTDEV_DEV_NAME", "m") + payload), """
-d mgmtdev show m
-dj mgmtdev show
mgmtdev resource show
-jp mgmtdev resource show m
"""


def malformed_queues(name):
    def queue(*items):
        return attrs([nest("DEV_QUEUE", "queue", items)])
    short = raw_attr(ATTR["DEV_VENDOR_ATTR_VALUE"], b"1234")
    for text, payload in (
            ("queue-empty", queue()), ("queue-short", queue(("INDEX", 0), ("KICKS", b"1"))),
            ("queue-vendor-short", queue(("INDEX", 0), ("VENDOR", short))),
            ("queue-vendor-odd", queue(("INDEX", 0), ("VENDOR", attrs([
                ("DEV_VENDOR_ATTR_VALUE", 1), ("DEV_VENDOR_ATTR_NAME", "twice"),
                ("DEV_VENDOR_ATTR_VALUE", 2), ("DEV_VENDOR_ATTR_NAME", b"twice\0"),
                ("DEV_VENDOR_ATTR_VALUE", 3), ("DEV_VENDOR_ATTR_NAME", b"\x1b\0")])))),
            ("queue-vendor-cut", queue(("VENDOR", b"\xff\xff\1\0"))),
            ("queue-error-odd", queue(("LAST_ERROR", 2**32 - 1), ("INDEX", 2**32 - 1))),
            ("queue-without-all", b"")):
        yield text, replies("DEV_STATS_GET", name + payload, also=name + payload + GOOD), """
dev stats show bad
-j dev stats show
dev queue show
-jp dev queue show bad
"""


def malformed_counters():
    """The same of statistics"""
    def counter(key, value):
        return attr("DEV_VENDOR_ATTR_NAME", key) + \
            attr("DEV_VENDOR_ATTR_VALUE", value)
    a, b, value = counter("a", 1), counter("b", 2), attr("DEV_VENDOR_ATTR_VALUE", 9)
    for text, payload in (
            ("no-counters", b""), ("value-alone", value + a),
            ("name-alone", a + attr("DEV_VENDOR_ATTR_NAME", "lost")),
            ("two-values", a + value + b), ("two-names",
                                            attr("DEV_VENDOR_ATTR_NAME", "x") + a),
            ("same-name", a + b + counter("a", 3)),
            ("empty-name-of-counter", counter("", 1)),
            ("counter-unterminated", counter(b"a", 1)),
            ("counter-of-32-bits", counter("a", b"\1\0\0\0")),
            ("greatest", counter("a", 2**64 - 1) + counter("b", 2**63)),
            ("strange-counters", counter(b"a\x1b[1m\n\0", 1) +
             counter(b"cut-\xe2\x98\0", 2) + counter("blank ", 3))):
        yield text, ours(DEV_VSTATS_GET=vstats(payload)), """
dev vstats show n1 qidx 0
-j dev vstats show n1 qidx 0
-jp dev vstats show n1 qidx 0
"""


NO_FAMILY = """
mgmtdev show
-j dev show
dev add vdpasim_net
dev set foo0 mtu 68
monitor
"""


def lines(text):
    return [line for line in text.strip("\n").split("\n")]


def scenarios():
    """All of them: name -> [(kernel, command lines)...]"""
    return {
        "mainline": [(mainline(), lines(SHOW + JSON_ERRORS + MAINLINE_ADD))],
        "show": [(ours(), lines(SHOW + JSON_ERRORS + DETAILS))],
        "short": [(dict(ours(), netns=("blue",)), lines(SHORT) + lines(SHORT_OURS))],
        "options": [(dict(ours(), netns=("blue",)), lines(OPTIONS))],
        "config": [
            (dict(mainline_configs(NET_CONFIGS), title="mainline"),
             lines(CONFIG) + lines(MAINLINE_SET)),
            (dict(mainline_configs(NET_CONFIGS + BLOCK_CONFIGS),
                  title="mainline, block"), lines(CONFIG_OURS)),
            (dict(ours(), title="ours"), lines(CONFIG) + lines(CONFIG_OURS)),
        ],
        "set": [(ours(), lines(SET))],
        "profile": [
            (dict(ours(), files=PROFILE_FILES, stdin=GOOD_PROFILE.encode()),
             lines(PROFILE_LINES) + [
                 line.format(name) for name in PROFILE_FILES if name.startswith("bad")
                 for line in ("mgmtdev check vdpasim_net profile {}",
                              "-j dev add vdpasim_net profile {}")]),
            (dict(refuse(ERANGE, "MTU is below 68", at="DEV_NET_CFG_MTU"),
                  files=PROFILE_FILES, title="refused"),
             ["dev add vdpasim_net profile refused-mtu",
              "mgmtdev check vdpasim_net profile refused-mtu",
              "-j mgmtdev check vdpasim_net profile ./refused-mtu"]),
            (dict(mainline(), files=PROFILE_FILES, title="mainline"),
             ["dev add vdpasim_net name foo0 profile good",
              "dev add vdpasim_blk name foo0 profile block",
              "dev profile show n0", "mgmtdev check vdpasim_net profile good"]),
        ],
        "batch": [(dict(ours(), files=BATCH_FILES, netns=("blue",),
                        stdin=b"dev show n0\ndev add vdpasim_net profile -\n"), lines(BATCH))],
        "save": [
            (dict(ours(FULL_MGMTDEVS, FULL_DEVS), title="ours"), lines(SAVE)),
            (dict(ours(FULL_MGMTDEVS, FULL_DEVS), title="network namespaces",
                  netns=("teal", "blue", "green", "it's"),
                  nsids={"teal": 3, "blue": 3, "green": 4}), ["save", "-d mgmtdev show"]),
            (dict(ours(FULL_MGMTDEVS, []), title="another's network namespace",
                  netns=("it's",), nsids={"it's": 3}), ["save", "-dj mgmtdev show vdpasim_blk"]),
            (dict(ours(FULL_MGMTDEVS, []), title="odd answers about network namespaces",
                  netns=("a", "b", "c", "d"), nsids=ODD_NSIDS), ["save"]),
            (dict(changed(), title="changed"), lines(CHANGED_LINES)),
            (dict(ours([], ODD_NAMED), title="names to quote"), ["save", "-j save"]),
            (dict(ours([], [dict(DEV_NAME="foreign", DEV_ID=99), dict(DEV_NAME="bare"),
                            dict(DEV_NAME=b"a\n\xff\0", MGMTDEV_DEV_NAME="m")]), title="odd"),
             ["save", "-j save"]),
            (dict(ours([], []), title="empty"), ["save", "-j save"]),
            (dict(mainline_configs(NET_CONFIGS + BLOCK_CONFIGS, MAINLINE_DEVS + [
                dict(MAINLINE_DEVS[0], DEV_NAME="n2"),
                dict(MAINLINE_DEVS[0], DEV_NAME="n1", MGMTDEV_DEV_NAME="vduse")]),
                  title="mainline"), ["save", "save n0", "-j save"]),
            (dict(mainline([], [dict(MAINLINE_DEVS[0], DEV_ID=4)]), title="mainline, rng"),
             ["save"]),
            (dict(mainline(), title="mainline without configurations"), ["save"]),
        ],
        "near": [
            (dict(ours(), title="ours"), lines(NEAR)),
            (dict(ours(devs=[dict(DEV_NAME="n\x1b[1m"), dict(DEV_ID=1)]), title="strange"),
             ["dev show n[1m"]),
            (dict(ours(**dict.fromkeys(("DEV_NEW", "DEV_DEL", "DEV_ATTR_SET"), lambda r: [
                r.error(ENODEV, "No such thing")])), title="changes"), lines("""
dev add vdpsim_net name n0
dev add name b0 mgmtdev vdpsim_net
dev add pci/0000:00:02.00
dev del nn0
dev set nO mtu 1500
-j dev features set b1 1
dev del n0
"""),),
            (dict(ours(DEV_GET=lambda r: [r.error(ENODEV)]), title="refused"),
             ["dev show n3", "-j dev show n3"]),
            (dict(ours(DEV_GET=lambda r: [r.error(ENODEV) if not r.flags & 0x300 else b"x"]),
                  title="garbage"), ["dev show n3"]),
        ],
        "stats": [
            (dict(ours(), title="ours"), lines(STATS_LINES)),
            (dict(mainline(), title="mainline"), lines("""
dev stats show
dev stats show n0
-s dev show
-sj dev show n0
""")),
        ],
        "full": [(ours(FULL_MGMTDEVS, FULL_DEVS), lines(FULL)),
                 (dict(ours(), title="attributes"), lines(ADD_MORE)),
                 (dict(mainline_configs([]), title="mainline"), lines(MAINLINE_OURS))],
        "netns": [(dict(ours(), netns=("blue", "green")), lines(NETNS))],
        "features": [
            (dict(ours(), title="ours"), lines(FEATURES)),
            (dict(mainline_configs(NET_CONFIGS), title="mainline"), lines("""
dev add vdpasim_net name foo0 device_features -mtu
dev set n0 device_features -mtu
dev set n0 device_features 1
dev features set n0 mac
dev features show
""")),
            (dict(ours(MGMTDEV_GET=lambda r: [r.error(ENOMEM)]),
                  title="cannot be asked"), lines("""
dev add vdpasim_net name foo0 device_features -mtu
-j dev add vdpasim_net name foo0 device_features mtu
dev features show
-j dev features show n0
""")),
        ],
        "empty": [(ours([], []), ["mgmtdev show", "-j mgmtdev show",
                                  "-jp mgmtdev show", "dev show",
                                  "-j dev show", "-jp dev show"]),
                  (mainline_configs([]), ["dev config show", "-j dev config show",
                                          "-jp dev config show"])],
        "add": [(ours(), lines(ADD))],
        "names": [(ours(ODD_MGMTDEVS, ODD_DEVS), lines(ODD))],
        "strange": [(ours(**STRANGE), lines(STRANGE_LINES))],
        "usage": [(dict(ours(), files=BATCH_FILES), [""] + lines(USAGE))],
        "help": [(ours(), lines(HELP))],
        "refusals": [(dict(kernel, title=name), lines(text))
                     for name, kernel, text in refusals()],
        "malformed": [(dict(kernel, title=name, stdin=GOOD_PROFILE.encode()), lines(text))
                      for name, kernel, text in malformed()],
        "no-family": [
            (dict(family=False, title="no module"), lines(NO_FAMILY)),
            (dict(family=False, title="another network namespace",
                  env={"VDPA_TEST_MODULE": "1"}), lines(NO_FAMILY)),
            (dict(family_reply=lambda r: [r.error(ENOMEM)], title="no memory"),
             lines(NO_FAMILY)),
            (dict(family_reply=lambda r: [b"garbage"], title="garbage"),
             lines(NO_FAMILY)),
            (dict(family_reply=lambda r: [ENOBUFS], title="cannot receive"),
             lines(NO_FAMILY)),
        ],
    }
