#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# What was never freed, of all that was allocated since boot: the last of the
# tests, for kernels with kmemleak.

HERE=$(cd "$(dirname "$0")" && pwd)
KMEMLEAK=/sys/kernel/debug/kmemleak

for helpers in "$HERE/../kselftest/ktap_helpers.sh" "$HERE/ktap_helpers.sh"; do
	[ -e "$helpers" ] && break
done
# shellcheck disable=SC1090
. "$helpers"

ktap_print_header
if [ ! -e $KMEMLEAK ]; then
	ktap_skip_all "kernel without kmemleak"
	exit 4
fi
ktap_set_plan 1

# Pointers that nobody uses any more are on the stacks that ended processes left
# for new ones: these write over them.
for _ in $(seq 40); do
	ls -lR /proc/self/task > /dev/null 2>&1 &
done
wait

# Some releases of 6.12 leak the reason why a driver was not tried on a device
# that was just being added, whatever the bus: the driver core keeps it for a
# list that such a device is not on. KUnit never drops the address space that it
# gives the thread of a test. Prints all other leaks.
not_the_kernels() {
	awk 'function tell() {
		if (leak !~ /dev_err_probe[^\n]*\n *(__)?driver_probe_device/ &&
		    leak !~ /mm_alloc[^\n]*\n *kunit_(vm_mmap_init|attach_mm)/)
			printf "%s", leak
		leak = ""
	}
	/^unreferenced/ { tell() }
	{ leak = leak $0 "\n" }
	END { tell() }'
}

# What was freed last is let go of after an RCU grace period, and what is only
# in a register, or on a stack, while it is looked for, is found the next time.
# An object younger than five seconds is none of kmemleak's business yet.
sleep 6
if ! echo scan > $KMEMLEAK || ! sleep 1 || ! echo scan > $KMEMLEAK; then
	echo "# $KMEMLEAK cannot scan: kmemleak is switched off"
	ktap_test_fail leaks
elif leaks=$(not_the_kernels < $KMEMLEAK) && [ -z "$leaks" ]; then
	ktap_test_pass leaks
else
	echo "$leaks" | sed 's/^/# /'
	ktap_test_fail leaks
fi
ktap_finished
