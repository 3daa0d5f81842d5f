# SPDX-License-Identifier: GPL-2.0
"""The kernel log: which lines of it no good run has, and what to show of them."""

import re

# Each pattern is searched for in the text of a message, without its time.
TROUBLE = re.compile("|".join((
    r"\bWARNING:",                          # WARN(), lockdep, RCU usage
    r"\bBUG\b[: ]",                         # BUG(), slab, KASAN, spin locks, sleeping in atomic
    r"\bOops\b",
    r"Kernel panic - not syncing",
    r"Unable to handle kernel",
    r"^general protection|^divide error:|^invalid opcode:|^stack segment:|^double fault",
    r"\[ cut here \]",
    r"\bINFO: task .* blocked for more than",
    r"\bINFO: .*(stall|lockdep|possible recursive|inconsistent lock|suspicious)",
    r"\bINFO: trying to register non-static key",
    r"possible circular locking|inconsistent lock state|suspicious RCU usage",
    r"rcu: .*detected (expedited )?stalls|self-detected stall|rcu_preempt kthread starved",
    r"soft lockup|hard LOCKUP|workqueue lockup",
    r"scheduling while atomic",
    r"\b(KASAN|KMSAN|KCSAN|UBSAN|KFENCE):",
    r"^unreferenced object 0x",             # kmemleak; init reads its report when all is over
    r"list_(add|del) corruption|refcount_t: |Bad page (state|map)|Bad rss-counter",
    r"DEBUG_LOCKS_WARN_ON|ODEBUG:|kobject: .* tried to",
    r"sysfs: cannot create duplicate filename",
    r"page allocation failure|invoked oom-killer",
    r"unregister_netdevice: waiting for",
    r"nobody cared \(try booting",
    r"\bCall Trace:",
)))

# KFENCE says so when it starts, as do lockdep's self-tests.
HARMLESS = re.compile(r"^kfence: initialized|^Lock dependency validator: Copyright")

# Leaks of the kernel's: of the driver core of some 6.12.y, whatever the bus, the
# reason why a driver was not tried on a device that was just being added (of the
# two functions, a compiler may make one); and the address space that KUnit gives a
# test's thread.
KNOWN_LEAK = re.compile(r"device_set_deferred_probe_reason\+.*dev_err_probe\+[^\n]*\n"
                        r" +(?:__)?driver_probe_device\+"
                        r"|mm_alloc\+[^\n]*\n +kunit_(vm_mmap_init|attach_mm)\+", re.S)

# KCSAN: the head of a report, of each of its stacks, its end; a frame in a module
RACE = re.compile(r"^BUG: KCSAN: data-race in ")
RACE_ACCESS = re.compile(r" to 0x[0-9a-f]+ of \d+ bytes by ")
RACE_END = re.compile(r"^={20}")
IN_MODULE = re.compile(r"^ .*\[\w+\]$")
RACE_FRAMES = 3

# Bits of /proc/sys/kernel/tainted that tell of trouble even if no line did:
# machine check, bad page, oops, WARN, soft lockup.
TAINTS = {4: "machine check", 5: "bad page", 7: "oops", 9: "WARN", 14: "soft lockup"}

LINES_BEFORE, LINES_AFTER, LINES_SHOWN = 3, 45, 300
# A trace ends here, and its neighbours tell nothing more.
END_OF_REPORT = re.compile(r"---\[ end (trace|Kernel panic)|^RIP: 0033")

CONSOLE_TIME = re.compile(r"^(?:<\d+>)?\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?")


def is_trouble(text):
    return bool(TROUBLE.search(text)) and not HARMLESS.search(text)


class KernelLog:
    """
    What /dev/kmsg told. Records are "PRIORITY,SEQUENCE,USEC,FLAGS;TEXT", and
    lines that start with a blank belong to the record before.
    """

    RECORD = re.compile(r"^(\d+),(\d+),(\d+),[^;]*;(.*)$")
    ESCAPE = re.compile(r"\\x([0-9a-f]{2})")

    def __init__(self):
        self.rest = b""
        self.bytes = 0
        self.lines = []     # (time, text)
        self.lost = 0
        self.next_sequence = None

    def feed(self, data):
        """Takes what the port brought; returns the lines it completed."""
        self.bytes += len(data)
        *complete, self.rest = (self.rest + data).split(b"\n")
        start = len(self.lines)
        for line in complete:
            self._add(line.decode("utf-8", "replace"))
        return self.formatted(start)

    def _add(self, line):
        record = self.RECORD.match(line)
        if not record:
            if not line.startswith(" ") or not self.lines:
                self.lines.append((None, line))
            elif self.lines[-1][0] is None:
                # no property of a record, but kmemleak's report goes on
                self.lines.append((None, line))
            return
        sequence, usec = int(record[2]), int(record[3])
        if self.next_sequence is not None:
            self.lost += sequence - self.next_sequence
        self.next_sequence = sequence + 1
        text = self.ESCAPE.sub(lambda m: chr(int(m[1], 16)), record[4])
        self.lines += [(usec / 1e6, part) for part in text.split("\n")]

    def texts(self):
        return [text for _, text in self.lines]

    def formatted(self, start=0):
        return [text if time is None else f"[{time:12.6f}] {text}"
                for time, text in self.lines[start:]]


def console_texts(data):
    """The lines of the serial console, without their times."""
    lines = data.decode("utf-8", "replace").replace("\r", "").split("\n")
    return [CONSOLE_TIME.sub("", line) for line in lines]


def is_known_leak(texts, i):
    """Whether the report of kmemleak that begins with texts[i] is no news."""
    end = i + 1
    while end < len(texts) and texts[end].startswith(" "):
        end += 1
    return bool(KNOWN_LEAK.search("\n".join(texts[i:end])))


def is_the_kernels_race(texts, i):
    """
    Whether the report of KCSAN that begins with texts[i] is of a data race in
    the kernel outside modules, which has many that are known: neither access is
    made by a module's function, or by one that such a function called to do it.
    """
    if not RACE.search(texts[i]):
        return False
    frames = 0
    for text in texts[i + 1:]:
        if RACE_END.search(text):
            return True
        if RACE_ACCESS.search(text):
            frames = RACE_FRAMES
        elif frames:
            if IN_MODULE.search(text):
                return False
            frames -= 1
    return False


def reports(texts, shown):
    """
    The lines of `shown` around each piece of trouble in `texts`, which run in
    parallel: a list of lines, empty if all is well.
    """
    picked = []
    end = -1    # first line after what was picked last
    for i, text in enumerate(texts):
        if not is_trouble(text) or is_known_leak(texts, i) or is_the_kernels_race(texts, i):
            continue
        if i >= end:
            start = max(i - LINES_BEFORE, end, 0)
            if picked and start > end:
                picked.append("...")
        else:
            start = end
        stop = next((j + 1 for j in range(i, min(i + LINES_AFTER, len(texts)))
                     if END_OF_REPORT.search(texts[j])), i + LINES_AFTER)
        stop = min(stop, len(texts))
        picked += shown[start:max(stop, start)]
        end = max(end, stop)
    if len(picked) > LINES_SHOWN:
        picked[LINES_SHOWN:] = [f"... ({len(picked) - LINES_SHOWN} more lines)"]
    return picked


def taints(mask):
    return [name for bit, name in TAINTS.items() if mask & 1 << bit]
