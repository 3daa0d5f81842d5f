#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# run_all.sh [--without] [PROGRAM]... - runs the tests, or those named, or those
# not named, one after the other; a PROGRAM that is several words has arguments
#
# TAP version 13 on stdout: one line for each program, what the program itself
# says before it as comments. A program fails if it fails, takes too long, or
# leaves a device, a management device of the test module or a knob behind.
# Exits with 0 only if none failed.

HERE=$(cd "$(dirname "$0")" && pwd)
PROGRAMS="netlink_test config_test manage_test dump_test monitor_test slow_test rmmod_test race_test
	  vhost_test vring_test vring_fuzz_test fail_nth_test vhost_nth_test
	  cli.sh iproute2.sh bus.sh modules.sh sim_net.sh sim_blk.sh
	  virtio_vdpa.sh kunit.sh leak_check.sh"
TIMEOUT=$(sed -n 's/^timeout=//p' "$HERE/settings" 2>/dev/null)
TIMEOUT=${TIMEOUT:-600}

BUS=/sys/bus/vdpa
DEBUGFS=/sys/kernel/debug

# A kernel that watches its locks or its memory takes its time: env_time_scale()
if [ -e $DEBUGFS/kmemleak ] || [ -e $DEBUGFS/kcsan ] || [ -e /proc/lockdep ]; then
	TIMEOUT=$((TIMEOUT * 5))
fi

# Whatever is there that should not; nothing if all is well
leftovers() {
	[ -d $BUS ] && ls -A $BUS/devices
	for knob in "$DEBUGFS"/vdpa_test/*/add_delay_ms; do
		[ -e "$knob" ] && echo "management device ${knob%/*}"
	done
	for knob in add_delay_ms del_delay_ms fail_dev_add fail_late_add \
		    fail_reset; do
		file=$DEBUGFS/vdpa_sim/vdpasim_net/$knob
		[ -e "$file" ] || continue
		case $(cat "$file") in
		0|N)	;;
		*)	echo "knob $knob" ;;
		esac
	done
	[ -e $BUS/drivers/vdpa_test_driver ] && echo "bus driver"
	for module in vdpa_sim_net vdpa_test; do
		file=/sys/module/$module/refcnt
		[ -e $file ] && [ "$(cat $file)" != 0 ] &&
			echo "users of module $module"
	done
	return 0
}

# The program's output as comments, as it comes; its exit status
run_one() {
	{
		{
			# shellcheck disable=SC2086
			timeout -k 5 "$TIMEOUT" "$HERE"/$1 2>&1 3>&-
			echo $? >&3
		} | while IFS= read -r line; do
			printf '# %s\n' "$line"
		done >&4
	} 3>&1 4>&4
}

exec 4>&1

if [ "$1" = --without ]; then
	shift
	for program in "$@"; do
		PROGRAMS=$(printf '%s\n' $PROGRAMS | grep -vxF "$program")
	done
	set --
fi
# shellcheck disable=SC2086
[ $# -gt 0 ] || set -- $PROGRAMS

echo "TAP version 13"
echo "1..$#"
number=0
failed=0
skipped=0
for program in "$@"; do
	number=$((number + 1))
	echo "# selftests: vdpa: $program"
	before=$(leftovers)
	begin=$(date +%s)
	rc=$(run_one "$program")
	echo "# it took $(($(date +%s) - begin)) s"
	after=$(leftovers)
	why="exit=$rc"
	case $rc in
	124|137|143)	why="TIMEOUT $TIMEOUT seconds" ;;
	esac
	if [ -n "$before" ]; then
		rc=1
		why="began with: $(echo "$before" | tr '\n' ' ')"
	elif [ -n "$after" ]; then
		rc=1
		why="left behind: $(echo "$after" | tr '\n' ' ')"
	fi
	case $rc in
	0)
		echo "ok $number selftests: vdpa: $program"
		;;
	4)
		skipped=$((skipped + 1))
		echo "ok $number selftests: vdpa: $program # SKIP"
		;;
	*)
		failed=$((failed + 1))
		echo "not ok $number selftests: vdpa: $program # $why"
		;;
	esac
done
passed=$((number - failed - skipped))
echo "# Totals: pass:$passed fail:$failed xfail:0 xpass:0 skip:$skipped error:0"
[ $failed -eq 0 ]
