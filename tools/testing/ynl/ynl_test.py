#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
ynl_test.py SPEC - what a program knows of devices that has nothing but the
specification. Prints TAP.
"""

import os
import subprocess
import sys
import time
import traceback

from lib import NlError, YnlFamily

NET = {"mgmtdev-dev-name": "vdpasim_net"}
BLOCK = {"mgmtdev-dev-name": "vdpasim_blk"}
CLASS_NET, CLASS_BLOCK = 1, 2
NLM_F_ECHO = 0x8


class Family(YnlFamily):
    """The family, without what fills gaps before numbers of 64 bits on some machines."""

    def __init__(self):
        super().__init__(sys.argv[1], schema="", process_unknown=True)

    def _decode(self, attrs, space, outer_attrs=None):
        decoded = super()._decode(attrs, space, outer_attrs)
        decoded.pop("UnknownAttr(0)", None)
        unknown = [name for name in decoded if name.startswith("Unknown")]
        if unknown:
            raise AssertionError(f"not in the specification: {unknown}")
        return decoded


def want(expected, found, what):
    if expected != found:
        raise AssertionError(f"{what}: {found!r} in place of {expected!r}")


def refused(errno, text, call, *args):
    try:
        call(*args)
    except NlError as err:
        want(errno, err.error, "errno")
        want(text, err.nl_msg.extack.get("msg"), "reason")
        return err.nl_msg.extack
    raise AssertionError(f"not refused: {text}")


def mgmtdevs(ynl):
    found = {dev["mgmtdev-dev-name"]: dev for dev in ynl.dump("mgmtdev-get", {})}
    want({"vdpasim_net", "vdpasim_blk"}, set(found), "management devices")
    net = ynl.do("mgmtdev-get", NET)
    want(1 << CLASS_NET, net["mgmtdev-supported-classes"], "classes")
    names = [resource["name"] for resource in net["mgmtdev-resource"]]
    want(["devices", "queues", "queue_pairs", "memory"], names, "resources")
    numbers = ynl.attr_sets["vdpa"].attrs_by_val
    can = {numbers[number].name for number in net["mgmtdev-add-attrs"]}
    want(True, {"dev-net-vlan", "dev-driver"} <= can, "VLAN and driver")


def devices(ynl):
    made = ynl.do("dev-new", {
        **NET, "dev-name": "one", "dev-driver": "none", "dev-net-vlan": 7,
        "dev-net-cfg-macaddr": "020000000001", "dev-net-cfg-max-vqp": 2,
    }, [NLM_F_ECHO])
    want("one", made["dev-name"], "name")
    want("inactive", made["dev-state"], "state")
    want({"dev-net-cfg-macaddr": "02:00:00:00:00:01", "dev-net-vlan": 7,
          "dev-net-cfg-max-vqp": 2, "dev-driver": "none"},
         made["dev-created"], "what it was created with")
    ynl.do("dev-new", {**BLOCK, "dev-name": "two", "dev-blk-cfg-capacity": 8,
                       "dev-blk-read-only": 1, "dev-driver": "none"})
    want(["one", "two"], [dev["dev-name"] for dev in ynl.dump("dev-get", {})], "devices")
    want(["two"], [dev["dev-name"] for dev in ynl.dump("dev-get", BLOCK)], "disks")
    want(5, ynl.do("dev-get", {"dev-name": "one"})["dev-max-vqs"], "queues")


def configuration(ynl):
    one, two = ynl.dump("dev-config-get", {})
    want("02:00:00:00:00:01", one["dev-net-cfg-macaddr"], "address")
    want((8, 1), (two["dev-blk-cfg-capacity"], two["dev-blk-read-only"]), "disk")
    ynl.do("dev-attr-set", {"dev-name": "one", "dev-net-cfg-mtu": 1400})
    want(1400, ynl.do("dev-config-get", {"dev-name": "one"})["dev-net-cfg-mtu"], "MTU")


def statistics(ynl):
    one = ynl.do("dev-stats-get", {"dev-name": "one"})
    queues = one["dev-queue"]
    want(list(range(5)), [queue["index"] for queue in queues], "queues")
    want((0, 256, 0), (queues[1]["completed"], queues[1]["size"], queues[1]["ready"]),
         "second queue")
    want("rx packets", queues[0]["vendor"]["dev-vendor-attr-name"][0], "vendor's")
    want(["one", "two"], [dev["dev-name"] for dev in ynl.dump("dev-stats-get", {})], "dump")
    vendor = ynl.do("dev-vstats-get", {"dev-name": "two", "dev-queue-index": 0})
    want("requests", vendor["dev-vendor-attr-name"][0], "counter")


def profiles(ynl):
    profile = ynl.do("dev-profile-get", {"dev-name": "one"})
    want(1, profile["profile-version"], "version")
    for key in ("dev-name", "mgmtdev-dev-name"):
        del profile[key]
    profile["dev-net-cfg-macaddr"] = profile["dev-net-cfg-macaddr"].replace(":", "")
    want(None, ynl.do("mgmtdev-check", {**NET, **profile}).get("check-reason"), "reasons")
    reasons = ynl.do("mgmtdev-check", {**BLOCK, **profile})["check-reason"]
    want("Class is not supported by the management device", reasons[0]["text"], "reason")
    profile["dev-max-vqs"] = 100
    reasons = ynl.do("mgmtdev-check", {**NET, **profile})["check-reason"]
    want((100, 33), (reasons[0]["wanted"], reasons[0]["available"]), "queues")


def refusals(ynl):
    refused(19, "No such device", ynl.do, "dev-get", {"dev-name": "nosuch"})
    refused(17, "Device name is taken", ynl.do, "dev-new", {**NET, "dev-name": "one"})
    extack = refused(34, "VLAN id is not from 1 to 4094", ynl.do, "dev-new",
                     {**NET, "dev-net-vlan": 4095})
    want(".dev-net-vlan", extack["bad-attr"], "attribute at fault")
    extack = refused(22, "Device name not given", ynl.do, "dev-del", {})
    want("dev-name", extack["miss-type"], "attribute missing")


def namespaces(ynl):
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    subprocess.run(["ip", "netns", "add", "there"], check=True)
    there = os.open("/run/netns/there", os.O_RDONLY)
    ynl.do("mgmtdev-set", {**NET, "netns-fd": there})
    want(True, ynl.do("mgmtdev-get", NET)["mgmtdev-netnsid"] >= 0, "id of it")
    ynl.do("mgmtdev-set", {**NET, "netns-fd": home})
    want(False, "mgmtdev-netnsid" in ynl.do("mgmtdev-get", NET), "back home")
    os.close(there)
    os.close(home)
    subprocess.run(["ip", "netns", "del", "there"], check=True)


def events(ynl):
    listener = Family()
    listener.ntf_subscribe("monitor")
    ynl.do("dev-new", {**NET, "dev-name": "three"})
    for name in ("one", "two", "three"):
        ynl.do("dev-del", {"dev-name": name})
    heard = []
    for _ in range(100):
        listener.check_ntf()
        heard = [(event["name"], event["msg"]["dev-name"])
                 for event in listener.async_msg_queue if event["name"] != "dev-change-ntf"]
        if len(heard) >= 4:
            break
        time.sleep(0.05)
    want([("dev-new-ntf", "three"), ("dev-del-ntf", "one"), ("dev-del-ntf", "two"),
          ("dev-del-ntf", "three")], heard, "events")
    want([], ynl.dump("dev-get", {}), "what is left")


def main():
    tests = (mgmtdevs, devices, configuration, statistics, profiles, refusals, namespaces,
             events)
    for module in ("vdpa_sim_net", "vdpa_sim_blk"):
        subprocess.run(["modprobe", module], check=True)
    ynl = Family()
    failed = 0
    print("TAP version 13")
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        try:
            test(ynl)
            print(f"ok {number} ynl: {test.__name__}", flush=True)
        except Exception:  # pylint: disable=broad-except
            failed += 1
            print("".join(f"# {line}\n" for line in traceback.format_exc().splitlines()), end="")
            print(f"not ok {number} ynl: {test.__name__}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
