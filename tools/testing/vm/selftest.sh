#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Tests the VM runner itself: that it tells the truth about the command, and
# that no trouble in the guest passes for success. Prints TAP. It boots about
# ten machines, on the stock kernel's modules: ours need not be built. If there
# is a User Mode Linux (tools/build/test-kernel uml), that too is tried, and what
# is not QEMU's is tried there only: it boots in no time.

# What the guest's shell is to expand stands in single quotes.
# shellcheck disable=SC2016

set -u

here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$here/../../.." && pwd)/build
work=$(mktemp -d "${TMPDIR:-/tmp}/vdpa-check.XXXXXX")
trap 'rm -rf "$work"' EXIT

count=0
failed=0

# without kmemleak, which waits at the end of each run and has nothing to find
uml=(--kernel uml --modules "$build/uml/modules" --append kunit.enable=0
     --append kmemleak=off)
# What to boot where any machine will do
any=()
[ ! -e "$build/uml/linux" ] || any=("${uml[@]}")

# run ARG... - the runner; its output goes to files, its status to $status.
run()
{
	"$here/run" --modules stock "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
}

# ok NAME TEST... - a test point: passes if the command TEST does.
ok()
{
	local name=$1

	shift
	count=$((count + 1))
	if "$@"; then
		echo "ok $count $name"
		return
	fi
	failed=$((failed + 1))
	echo "not ok $count $name"
	echo "# exit status $status; standard error:"
	tail -n 60 "$work/err" | sed 's/^/# /'
}

status_is()
{
	[ "$status" -eq "$1" ]
}

# fails_with TEXT - the run itself failed, and said why.
fails_with()
{
	status_is 125 && grep -qF -- "$1" "$work/err"
}

out_is()
{
	[ "$(cat "$work/out")" = "$1" ]
}

test_log_patterns()
{
	status=0
	/usr/bin/python3 -B - "$here" >"$work/out" 2>"$work/err" <<-'EOF'
	import sys
	sys.path.insert(0, sys.argv[1])
	from vmtest import klog

	BAD = """\
	WARNING: CPU: 0 PID: 1 at lib/kobject.c:219 kobject_add_internal+0x1/0x2
	WARNING: possible circular locking dependency detected
	WARNING: suspicious RCU usage
	WARNING: inconsistent lock state
	BUG: kernel NULL pointer dereference, address: 0000000000000008
	BUG: KASAN: slab-use-after-free in vdpa_dev_remove+0x1/0x2
	BUG: sleeping function called from invalid context at kernel/locking/mutex.c:585
	BUG: scheduling while atomic: vdpa/123/0x00000002
	BUG: KCSAN: data-race in a / b
	BUG: KFENCE: use-after-free read in test+0x1/0x2
	BUG kmalloc-64 (Tainted: G           O      ): Object already free
	kernel BUG at mm/slub.c:1!
	Oops: general protection fault, probably for non-canonical address 0x1: 0000 [#1]
	Oops: 0000 [#1] PREEMPT SMP NOPTI
	general protection fault: 0000 [#1] SMP
	Kernel panic - not syncing: Attempted to kill init!
	INFO: task rmmod:321 blocked for more than 60 seconds.
	INFO: possible recursive locking detected
	INFO: trying to register non-static key.
	rcu: INFO: rcu_preempt self-detected stall on CPU
	rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:
	watchdog: BUG: soft lockup - CPU#0 stuck for 60s! [vdpa:1]
	UBSAN: array-index-out-of-bounds in drivers/vdpa/core/bus.c:1:2
	unreferenced object 0xffff888001234567 (size 64):
	list_del corruption. prev->next should be ffff8880, but was 0000
	refcount_t: underflow; use-after-free.
	sysfs: cannot create duplicate filename '/bus/vdpa/devices/vdpa0'
	------------[ cut here ]------------
	Call Trace:
	unregister_netdevice: waiting for eth0 to become free. Usage count = 1
	""".splitlines()
	GOOD = """\
	vdpa: loading out-of-tree module taints kernel.
	vdpa: module verification failed: signature and/or required key missing - tainting kernel
	kfence: initialized - using 2097152 bytes for 255 objects at 0x(____ptrval____)
	traps: vdpa[12] general protection fault ip:1 sp:2 error:0 in vdpa[1000+2000]
	DEBUG: nothing
	Freeing unused kernel image (initmem) memory: 4024K
	Warning: unable to open an initial console.
	kmemleak: 2 new suspected memory leaks (see /sys/kernel/debug/kmemleak)
	rcu: RCU calculated value of scheduler-enlistment delay is 25 jiffies.
	""".splitlines()
	wrong = [line for line in BAD if not klog.is_trouble(line)]
	wrong += [line for line in GOOD if klog.is_trouble(line)]

	# A record that was overwritten unread, a record of two lines, a property.
	log = klog.KernelLog()
	log.feed(b"6,7,1000000,-;one\\x0atwo\n DEVICE=+vdpa:x\n6,1")
	log.feed(b"0,2000000,-;three\n")
	if (log.lost, log.texts()) != (2, ["one", "two", "three"]):
	    wrong.append(f"log: {log.lost} {log.texts()}")
	shown = klog.reports(["a", "b", "Oops: x", "c"], ["1 a", "1 b", "1 Oops: x", "1 c"])
	if shown != ["1 a", "1 b", "1 Oops: x", "1 c"] or klog.reports(["a"], ["1 a"]):
	    wrong.append(f"reports: {shown}")

	# What kmemleak reports: leaks that are the kernel's own, and others.
	LEAK = """\
	unreferenced object 0xffff88810b80f880 (size 64):
	  comm "test", pid 1454, jiffies 4294955529
	  backtrace (crc 9cdf7a83):
	    kasprintf+0xbd/0xde
	    device_set_deferred_probe_reason+0x49/0xf9
	    dev_err_probe+0xb9/0xd8
	    %s+0x130/0x288
	    driver_probe_device+0x4a/0x102
	"""
	log = klog.KernelLog()
	for caller in "__driver_probe_device", "some_probe":
	    log.feed((LEAK % caller).encode())
	texts = log.texts()
	shown = klog.reports(texts, texts)
	if len(texts) != 16 or "\n".join(shown).count("some_probe") != 1 or \
	   klog.reports(texts[:8], texts[:8]) or not klog.reports(texts[8:], texts[8:]):
	    wrong.append(f"leaks: {texts} {shown}")

	log = klog.KernelLog()
	log.feed((LEAK % "driver_probe_device").encode())
	texts = log.texts()
	if klog.reports(texts, texts):
	    wrong.append(f"leaks of a function that is inlined: {texts}")

	log = klog.KernelLog()
	for caller in "kunit_vm_mmap_init", "some_fork":
	    log.feed((LEAK.replace("dev_err_probe", "mm_alloc") % caller).encode())
	texts = log.texts()
	if klog.reports(texts[:8], texts[:8]) or not klog.reports(texts[8:], texts[8:]):
	    wrong.append("leaks of address spaces")

	# What KCSAN reports: a race of the kernel's, and of a module's with it.
	RACE = """\
	==================================================================
	BUG: KCSAN: data-race in a / b

	write (marked) to 0xffff88800a1b2c00 of 8 bytes by task 123 on cpu 1:
	 a+0x1/0x2
	 %s
	 c+0x1/0x2
	 d+0x1/0x2 [vdpa]

	read to 0xffff88800a1b2c00 of 8 bytes by interrupt on cpu 0:
	 b+0x1/0x2

	Reported by Kernel Concurrency Sanitizer on:
	CPU: 0 UID: 0 PID: 7 Comm: vdpa
	==================================================================
	"""
	race = [(RACE % frame).splitlines() for frame in ("e+0x1/0x2", "e+0x1/0x2 [vdpa_sim]")]
	if klog.reports(race[0], race[0]) or not klog.reports(race[1], race[1]) or \
	   not klog.reports(race[0][:-1], race[0][:-1]):
	    wrong.append("races")
	sys.exit("\n".join(wrong) or 0)
	EOF
	status=$?
	ok "trouble in the kernel log is told from chatter" status_is 0
}

test_status()
{
	local code

	for code in 0 1 42; do
		run "${any[@]}" -- "exit $code"
		ok "exit status $code passes through" status_is "$code"
	done
	run "${any[@]}" -- sh -c 'echo "$1"; kill -TERM $$' x 'two  words'
	ok "a signal that ends the command is 128+N" status_is 143
	ok "several words of a command stay as they are" out_is 'two  words'
	run "${any[@]}" -- ''
	ok "an empty command is the shell's to judge" status_is 0
}

# streams_intact NAME ARG... - 1 MiB on each of both streams, with the runner's ARGs
streams_intact()
{
	local name=$1

	shift
	numbered o >"$work/out.want"
	numbered e >"$work/err.want"
	run "$@" --file "$work/out.want:/data/" --file "$work/err.want:/data/" -- \
		'cat /data/out.want & cat /data/err.want >&2; wait'
	ok "$name: status" status_is 0
	ok "$name: standard output is intact" cmp "$work/out" "$work/out.want"
	ok "$name: standard error is intact" cmp "$work/err" "$work/err.want"
}

# Lines of 64 bytes, 1 MiB in all; the streams differ in one letter.
numbered()
{
	seq -f "$1 %061.0f" 16384
}

test_output()
{
	streams_intact '1 MiB on each of both streams'

	run "${any[@]}" -- 'wc -c; sleep 1000 & echo left a process behind'
	ok "standard input is empty, processes left behind end" \
		out_is $'0\nleft a process behind'
}

nothing_lost()
{
	! grep -F 'messages of the kernel log were lost' "$work/err"
}

test_trouble()
{
	run -- 'for i in $(seq 5000); do echo "flood of messages, $i" >/dev/kmsg; done
		echo "WARNING: CPU: 0 PID: 1 at x" >/dev/kmsg; echo done'
	ok "a warning in the kernel log fails the run" \
		fails_with 'WARNING: CPU: 0 PID: 1 at x'
	ok "the command's output is there nevertheless" out_is 'done'
	ok "a flood of messages is read to its end" nothing_lost

	run -- 'echo c >/proc/sysrq-trigger'
	ok "a panic fails the run" \
		fails_with 'Kernel panic - not syncing: sysrq triggered crash'

	run --append rdinit=/nonexistent --append init=/nonexistent -- true
	ok "a kernel that crashes while it boots is booted again" \
		grep -qF 'booting again' "$work/err"
	ok "if it crashes again, that fails the run" fails_with 'before the command started'

	run -- 'poweroff -f; sleep 1000'
	ok "a machine that ends without a verdict fails the run" \
		fails_with 'without a verdict'

	run --timeout 25 -- 'echo begun; sleep 1000'
	ok "a command without end hits --timeout" fails_with 'time is up: 25 s passed'
	ok "its output until then is there" out_is 'begun'
}

test_options()
{
	run --smp 1 --mem 512 --append 'one=1 two=2' --append three=3 \
		--qemu "-device 'virtio-rng-pci,id=x'" --qemu '-name other' \
		--keep-console "$work/log" --data "$work/data" --file "$work/err.want:/data/" -- \
		'echo "<6>marked" >/dev/kmsg
		 nproc; cat /sys/bus/pci/devices/0000:00:01.0/device; cat /proc/cmdline
		 awk "/MemTotal/ && \$2 < 512 * 1024 { print \"512M\" }" /proc/meminfo
		 cat /data/err.want >&3; test ! -e /dev/fd/4 && exit 42'
	ok "an exit status passes through QEMU" status_is 42
	ok "--smp, --mem and --qemu reach the machine" \
		awk 'NR == 1 && $0 != "1" || NR == 2 && $0 != "0x1005" { bad = 1 }
		     END { exit bad || NR != 4 || $0 != "512M" }' "$work/out"
	ok "--append reaches the kernel" grep -q 'one=1 two=2 three=3' "$work/out"
	ok "--data brings what is written to descriptor 3" cmp "$work/data" "$work/err.want"
	ok "--keep-console keeps the kernel log" grep -q '^\[.*\] marked$' "$work/log"
	ok "--keep-console keeps the serial console" grep -q 'serial console' "$work/log"

	run "${any[@]}" -- 'true >&3'
	ok "without --data, there is no descriptor 3" status_is 2

	echo hello >"$work/a:b"
	run "${any[@]}" --file "$(command -v perl)" \
		--file "$work/a:b" --file "$work/a:b:/data/" -- \
		"perl -ne 'print uc' '$work/a:b' '/data/a:b'"
	ok "--file brings programs with their libraries" out_is $'HELLO\nHELLO'
}

# Both at once, which is to make no difference, either
test_icount()
{
	local i pids=() command='date; dmesg; head -c 16 /dev/urandom | od -x; ip link'

	for i in 1 2; do
		"$here/run" --modules stock --icount -- "$command" \
			>"$work/out$i" 2>"$work/err$i" </dev/null &
		pids+=($!)
	done
	wait "${pids[0]}"
	status=$?
	cp "$work/err1" "$work/err"
	ok "--icount runs" status_is 0
	wait "${pids[1]}"
	status=$?
	cp "$work/err2" "$work/err"
	ok "also beside another" status_is 0
	ok "--icount twice gives the same, times and random numbers included" \
		cmp "$work/out1" "$work/out2"
}

# test_concurrent [ARG]... - with the runner's ARGs
test_concurrent()
{
	local i pids=() statuses=

	for i in 1 2; do
		"$here/run" --modules stock "$@" -- "echo I am $i; sleep 2; exit $i" \
			>"$work/out$i" 2>"$work/err$i" &
		pids+=($!)
	done
	for i in 1 2; do
		wait "${pids[i - 1]}"
		statuses+="$? $(cat "$work/out$i") "
	done
	cat "$work"/err[12] >"$work/err"
	[ "$statuses" = "1 I am 1 2 I am 2 " ]
	status=$?
	ok "two runs at once do not disturb each other" status_is 0
}

# nothing_left GROUP - no process of that process group is alive
nothing_left()
{
	! cat /proc/[0-9]*/stat 2>/dev/null | sed 's/.*) //' |
		awk -v group="$1" '$3 == group && $1 != "Z"' | grep -q .
}

# test_killed [ARG]... - with the runner's ARGs
test_killed()
{
	local pid child

	: >"$work/out"
	"$here/run" --modules stock "$@" -- 'echo up; sleep 1000' >"$work/out" 2>"$work/err" &
	pid=$!
	for _ in $(seq 300); do
		grep -q up "$work/out" && break
		sleep 0.1
	done
	grep -q up "$work/out"
	status=$?
	ok "output comes as it is written" status_is 0
	read -r child <"/proc/$pid/task/$pid/children"
	kill -TERM "$pid"
	wait "$pid"
	status=$?
	ok "a runner that is ended says by which signal" status_is 143
	[ -n "$child" ] && ! kill -0 "$child" 2>"$work/err"
	status=$?
	ok "it takes its machine along" status_is 0
	ok "and all processes of that" nothing_left "$child"
}

# A User Mode Linux keeps what was promised above of QEMU.
test_uml()
{
	local option

	[ -e "$build/uml/linux" ] || return
	mkdir "$work/home"
	HOME=$work/home TMPDIR=$work/home XDG_CACHE_HOME=$work/cache run "${uml[@]}" -- \
		'wc -c; exit 42'
	ok "UML: exit status passes through" status_is 42
	ok "UML: standard input is empty" out_is 0
	ok "UML: nothing is left on the host" rmdir "$work/home"
	head -c 300000 /dev/urandom >"$work/bytes"
	run "${uml[@]}" --file "$work/bytes:/data/" -- 'cat /data/bytes'
	ok "UML: binary output is intact" cmp "$work/out" "$work/bytes"
	streams_intact 'UML: 1 MiB on each of both streams' "${uml[@]}"
	run "${uml[@]}" --data "$work/data" --file "$work/bytes:/data/" -- \
		'cat /data/bytes >&3'
	ok "UML: --data is intact" cmp "$work/data" "$work/bytes"

	run "${uml[@]}" -- 'echo "WARNING: CPU: 0 PID: 1 at x" >/dev/kmsg; echo done'
	ok "UML: a warning in the kernel log fails the run" fails_with 'WARNING: CPU: 0 PID: 1 at x'
	ok "UML: the command's output is there nevertheless" out_is 'done'
	run "${uml[@]}" --append rdinit=/nonexistent --append init=/nonexistent -- true
	ok "UML: a panic fails the run" fails_with 'Kernel panic - not syncing'
	run "${uml[@]}" -- 'poweroff -f; sleep 1000'
	ok "UML: a machine that ends without a verdict fails the run" fails_with 'without a verdict'
	run "${uml[@]}" -- 'reboot -f; sleep 1000'
	ok "UML: so does one that boots again" fails_with 'without a verdict'
	run "${uml[@]}" --timeout 10 -- 'echo begun; sleep 1000'
	ok "UML: a command without end hits --timeout" fails_with 'time is up: 10 s passed'
	ok "UML: its output until then is there" out_is 'begun'

	for option in '--smp 2' '--qemu -s' --icount; do
		# shellcheck disable=SC2086
		run "${uml[@]}" $option -- true
		ok "UML: $option is refused" fails_with "${option% *} does not go with"
	done
	run "${uml[@]}" --mem 99999999 -- true
	ok "UML: too much memory is refused" fails_with 'try a smaller --mem'
	"$here/run" --kernel uml -- 'lsmod' >"$work/out" 2>"$work/err"
	status=$?
	ok "--kernel uml takes its modules along" grep -q ^vdpa_sim "$work/out"
	run --kernel "$(type -P ls)" -- true
	ok "UML: another program is not taken for one" fails_with 'nor a User Mode Linux'
	test_concurrent "${uml[@]}"
	test_killed "${uml[@]}"
}

test_refusals()
{
	local stock module

	run
	ok "no command is refused" fails_with 'no COMMAND'
	run --nosuch -- true
	ok "an unknown option is refused" fails_with '--nosuch'
	run --smp two -- true
	ok "a number that is none is refused" fails_with '--smp two'
	run --icount --smp 2 -- true
	ok "--icount with several CPUs is refused" fails_with 'one CPU'
	run --kernel /nonexistent -- true
	ok "a missing kernel is named" fails_with '/nonexistent'
	run --kernel "$0" -- true
	ok "what is no kernel is refused" fails_with 'neither an x86 bzImage nor a User Mode Linux'
	run --file /nonexistent:/x -- true
	ok "a missing file is named" fails_with '/nonexistent'
	run --modules "$work" -- true
	ok "a directory without modules is refused" fails_with 'there is no module in it'

	# A module that says it is for another kernel: modinfo reads the text.
	stock=$(find /lib/modules/*-cloud-amd64/kernel/drivers/vdpa/vdpa.ko* | sort -V | tail -n 1)
	mkdir "$work/modules"
	module=$work/modules/vdpa.ko
	case $stock in
	*.xz) xz -dc "$stock" >"$module" ;;
	*.zst) zstd -dcq "$stock" >"$module" ;;
	*) cp "$stock" "$module" ;;
	esac
	sed -i 's/vermagic=6\.12/vermagic=6.99/' "$module"
	run --modules "$work/modules" -- true
	ok "modules of another kernel are refused" fails_with 'is built for Linux 6.99'
}

echo "TAP version 13"
test_log_patterns
test_refusals
test_status
test_output
test_trouble
test_options
test_icount
[ ${#any[@]} -gt 0 ] || test_concurrent
test_killed
test_uml
echo "1..$count"
[ "$failed" -eq 0 ]
