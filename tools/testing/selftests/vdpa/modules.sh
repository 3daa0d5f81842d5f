#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Modules: parameters, order of loading and unloading, and what is left.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

TESTS="no_device_at_load default_device default_device_among_others
       macaddr_good macaddr_bad default_device_bad
       unload_with_devices unload_order reload_all
       core_in_use core_alone parameters_are_read_only
       debugfs_comes_and_goes installed_as_updates"

reload_sim() {
	unload vdpa_sim_net || fail "cannot unload vdpa_sim_net"
	want_ok modprobe vdpa_sim_net "$@"
}

# The tests leave it loaded with parameters, or not at all
RESET=reset_modules
reset_modules() {
	if [ -d /sys/module/vdpa_sim_net ]; then
		unload vdpa_sim_net || return 1
	fi
	reset_all
}

no_device_at_load() {
	reload_sim
	want_eq "" "$(devices)" devices
	want_ok vdpa mgmtdev show $SIM
}

default_device() {
	for value in default_device default_device=1 default_device=y; do
		reload_sim $value
		want_eq vdpa0 "$(devices)" "devices with $value"
		want_ok vdpa -j dev show vdpa0
		"$HERE/json_check" dev/vdpa0/type=network \
			dev/vdpa0/mgmtdev=$SIM < "$OUT" || fail "$(cat "$OUT")"
	done
	# it is a device like any other
	want_ok vdpa dev del vdpa0
	want_eq "" "$(devices)" "devices after del"
	want_ok vdpa dev add $SIM
	want_eq vdpa0 "$(devices)" "devices after add"
	reload_sim default_device=0
	want_eq "" "$(devices)" "devices with default_device=0"
}

# The name that it would have is taken
default_device_among_others() {
	mgmt_new plain
	unload vdpa_sim_net || fail "cannot unload"
	want_ok vdpa dev add name vdpa0 mgmtdev plain
	want_ok modprobe vdpa_sim_net default_device=1
	want_eq "vdpa0
vdpa1" "$(devices)" devices
	want_ok vdpa -j dev show vdpa1
	"$HERE/json_check" dev/vdpa1/mgmtdev=$SIM < "$OUT" ||
		fail "$(cat "$OUT")"
}

macaddr_good() {
	reload_sim macaddr=02:11:22:33:44:55
	want_eq 02:11:22:33:44:55 \
		"$(cat /sys/module/vdpa_sim_net/parameters/macaddr)" parameter
	want_ok vdpa dev add name mac0 mgmtdev $SIM
	want_ok vdpa dev add name mac1 mgmtdev $SIM mac 02:00:00:00:00:01
}

# Refused as a whole, and nothing is left of it
macaddr_bad() {
	unload vdpa_sim_net || fail "cannot unload"
	for mac in "" x 02:11:22:33:44 02:11:22:33:44:55:66 02:11:22:33:44:gg \
		   01:00:5e:00:00:01 00:00:00:00:00:00 ff:ff:ff:ff:ff:ff; do
		run modprobe vdpa_sim_net "macaddr=$mac"
		[ "$RC" -ne 0 ] || fail "macaddr=$mac was accepted"
		grep -qi "invalid argument" "$ERR" ||
			{ show_run; fail "another error with macaddr=$mac"; }
		want_no_file /sys/module/vdpa_sim_net
		want_no_file /sys/devices/vdpasim_net
		want_no_file $SIM_DIR/$SIM
		want_refused 1 "No such management device" \
			vdpa mgmtdev show $SIM
	done
	want_ok modprobe vdpa_sim_net
	want_ok vdpa mgmtdev show $SIM
}

default_device_bad() {
	unload vdpa_sim_net || fail "cannot unload"
	run modprobe vdpa_sim_net default_device=maybe
	[ "$RC" -ne 0 ] || fail "default_device=maybe was accepted"
	want_no_file /sys/module/vdpa_sim_net
}

unload_with_devices() {
	for i in $(seq 20); do
		want_ok vdpa dev add name "mod$i" mgmtdev $SIM
	done
	want_ok rmmod vdpa_sim_net
	want_eq "" "$(devices)" devices
	want_refused 1 "No such device" vdpa dev show mod1
	want_no_file /sys/devices/vdpasim_net
}

# Each module keeps those it needs
unload_order() {
	for module in vdpa vdpa_sim; do
		run rmmod $module
		[ "$RC" -ne 0 ] || fail "$module was unloaded while in use"
		want_file /sys/module/$module
	done
	want_ok rmmod vdpa_sim_net
	want_ok rmmod vdpa_test
	run rmmod vdpa
	[ "$RC" -ne 0 ] || fail "vdpa was unloaded while vdpa_sim is there"
	want_ok rmmod vdpa_sim
	want_ok rmmod vdpa
	want_no_file $BUS
}

reload_all() {
	for _ in 1 2 3 4 5; do
		for module in vdpa_sim_net vdpa_test vdpa_sim vdpa; do
			want_ok rmmod $module
		done
		load vdpa_sim_net || fail "vdpa_sim_net"
		load vdpa_test || fail "vdpa_test"
		want_ok vdpa dev add name again0 mgmtdev $SIM
		want_ok vdpa dev del again0
	done
}

core_in_use() {
	want_ok vdpa dev add name use0 mgmtdev $SIM
	run rmmod vdpa
	[ "$RC" -ne 0 ] || fail "vdpa was unloaded under a device"
	want_ok vdpa dev show use0
}

# The core alone knows no management device, and says so by an empty list
core_alone() {
	for module in vdpa_sim_net vdpa_test vdpa_sim vdpa; do
		want_ok rmmod $module
	done
	want_refused 1 'modprobe vdpa' vdpa dev show
	want_ok modprobe vdpa
	want_ok vdpa mgmtdev show
	want_eq "" "$(cat "$OUT")" "mgmtdev show"
	want_ok vdpa -j mgmtdev show
	want_eq '{"mgmtdev":{}}' "$(cat "$OUT")" "JSON mgmtdev show"
	want_ok vdpa dev show
	want_refused 1 "No such management device" vdpa dev add $SIM
}

parameters_are_read_only() {
	for parameter in macaddr default_device; do
		file=/sys/module/vdpa_sim_net/parameters/$parameter
		want_file $file
		want_eq 444 "$(stat -c %a $file)" "mode of $file"
	done
}

debugfs_comes_and_goes() {
	want_file $SIM_DIR/$SIM/add_delay_ms
	want_ok rmmod vdpa_sim_net
	want_no_file $SIM_DIR/$SIM
	want_ok rmmod vdpa_test
	want_no_file $TEST_DIR
	want_ok rmmod vdpa_sim
	want_no_file $SIM_DIR
}

# modprobe prefers ours to the kernel's own
installed_as_updates() {
	for module in vdpa vdpa_sim vdpa_sim_net; do
		case $(modinfo -n $module) in
		*/updates/*)	;;
		*/kernel/*)	[ -e "$HERE/../lib.mk" ] ||
				fail "the kernel's own $module is preferred" ;;
		*)		fail "no $module" ;;
		esac
	done
}

run_tests
