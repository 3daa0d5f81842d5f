#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The bus "vdpa" in sysfs: devices, and which driver gets them.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

DEV=$BUS/devices/bus0
DRV=$BUS/drivers/$DRIVER

TESTS="device_directory parent_is_mgmtdev gone_after_del
       driver_binds_present_device driver_binds_later_device
       driver_goes_with_devices bind_and_unbind
       no_autoprobe drivers_probe
       override_reads_back override_keeps_away override_asks_for
       override_too_long override_races
       del_of_bound_device bind_races_with_del
       uevents_of_device uevents_of_driver"

add() {
	want_ok vdpa dev add name bus0 mgmtdev $SIM
}

driver_on() {
	echo 1 > $TEST_DIR/driver || fail "no bus driver"
}

driver_off() {
	echo 0 > $TEST_DIR/driver
}

# What the bus says and what netlink says must be the same
want_driver() {
	want_eq "$1" "$(link_name $DEV/driver)" "driver in sysfs"
	if [ -n "$1" ]; then
		want_file "$DRV/bus0"
		shown="driver $1 status 0x3"
	else
		want_no_file "$DRV/bus0"
		shown="driver none status 0x0"
	fi
	want_ok vdpa -d dev show bus0
	grep -q " $shown" "$OUT" ||
		{ show_run; fail "dev show does not say $shown"; }
}

device_directory() {
	add
	want_file $DEV/uevent
	want_file $DEV/driver_override
	want_eq vdpa "$(link_name $DEV/subsystem)" subsystem
	want_eq bus0 "$(devices)" "devices on the bus"
	want_driver ""
}

parent_is_mgmtdev() {
	mgmt_new plain
	add
	want_ok vdpa dev add name bus1 mgmtdev plain
	want_eq $SIM "$(basename "$(dirname "$(readlink -f $DEV)")")" parent
	want_eq plain "$(basename "$(dirname \
		"$(readlink -f $BUS/devices/bus1)")")" parent
}

gone_after_del() {
	add
	path=$(readlink -f $DEV)
	want_ok vdpa dev del bus0
	want_no_file "$path"
	want_no_file $DEV
}

driver_binds_present_device() {
	add
	want_driver ""
	driver_on
	want_driver $DRIVER
}

driver_binds_later_device() {
	driver_on
	add
	want_driver $DRIVER
}

driver_goes_with_devices() {
	driver_on
	add
	want_ok vdpa dev add name bus1 mgmtdev $SIM
	driver_off
	want_no_file $DRV
	want_driver ""
	want_eq "" "$(link_name $BUS/devices/bus1/driver)" "driver of bus1"
}

bind_and_unbind() {
	driver_on
	add
	for _ in $(seq 10); do
		echo bus0 > $DRV/unbind || fail unbind
		want_driver ""
		echo bus0 > $DRV/bind || fail bind
		want_driver $DRIVER
	done
	# neither twice, nor for what is not there
	echo bus0 2>/dev/null > $DRV/bind && fail "bound twice"
	echo nosuch 2>/dev/null > $DRV/bind && fail "bound no device"
	echo bus0 > $DRV/unbind
	echo bus0 2>/dev/null > $DRV/unbind && fail "unbound twice"
	want_driver ""
}

no_autoprobe() {
	driver_on
	echo 0 > $BUS/drivers_autoprobe
	add
	want_driver ""
	echo bus0 > $DRV/bind
	want_driver $DRIVER
}

drivers_probe() {
	driver_on
	echo 0 > $BUS/drivers_autoprobe
	add
	want_driver ""
	echo bus0 > $BUS/drivers_probe
	want_driver $DRIVER
}

override_reads_back() {
	add
	want_eq "(null)" "$(cat $DEV/driver_override)" "driver_override"
	for name in $DRIVER nosuch a "$(printf '%050d' 0)"; do
		echo "$name" > $DEV/driver_override
		want_eq "$name" "$(cat $DEV/driver_override)" driver_override
	done
	echo > $DEV/driver_override
	want_eq "(null)" "$(cat $DEV/driver_override)" "driver_override"
}

override_keeps_away() {
	add
	echo nosuch > $DEV/driver_override
	driver_on
	want_driver ""
	echo bus0 > $BUS/drivers_probe
	want_driver ""
	echo bus0 2>/dev/null > $DRV/bind && fail "bound against the override"
	want_driver ""
	# part of the name is not the name
	echo "${DRIVER%?}" > $DEV/driver_override
	echo bus0 > $BUS/drivers_probe
	want_driver ""
	echo > $DEV/driver_override
	echo bus0 > $BUS/drivers_probe
	want_driver $DRIVER
}

override_asks_for() {
	add
	echo $DRIVER > $DEV/driver_override
	driver_on
	want_driver $DRIVER
	# written while bound it changes nothing until the next time
	echo nosuch > $DEV/driver_override
	want_driver $DRIVER
	echo bus0 > $DRV/unbind
	echo bus0 > $BUS/drivers_probe
	want_driver ""
}

override_too_long() {
	add
	printf '%04200d' 0 2>/dev/null > $DEV/driver_override &&
		fail "4200 bytes accepted"
	want_eq "(null)" "$(cat $DEV/driver_override)" "driver_override"
}

# Runs the rest until the file is gone
while_there() {
	file=$1
	shift
	while [ -e "$file" ]; do
		"$@"
	done
}

write_override() {
	for name in $DRIVER nosuch "$(printf '%0200d' 0)" ""; do
		echo "$name" > $DEV/driver_override
	done 2>/dev/null
}

read_override() {
	cat $DEV/driver_override >/dev/null 2>&1
}

# Writers and readers of the override, while the bus asks for it all the time
override_races() {
	add
	driver_on
	touch "$TMP/go"
	while_there "$TMP/go" write_override &
	while_there "$TMP/go" write_override &
	while_there "$TMP/go" read_override &
	for i in $(seq 150); do
		echo bus0 2>/dev/null > $DRV/unbind
		echo bus0 2>/dev/null > $BUS/drivers_probe
		echo bus0 2>/dev/null > $DRV/bind
		if [ $((i % 50)) -eq 0 ]; then
			driver_off
			driver_on
		fi
	done
	rm "$TMP/go"
	wait
	# and it still is what was written last
	echo $DRIVER > $DEV/driver_override
	[ -e $DRV/bus0 ] || echo bus0 > $DRV/bind
	want_driver $DRIVER
	echo nosuch > $DEV/driver_override
	echo bus0 > $DRV/unbind
	echo bus0 > $BUS/drivers_probe
	want_driver ""
}

del_of_bound_device() {
	driver_on
	for _ in $(seq 10); do
		add
		want_driver $DRIVER
		want_ok vdpa dev del bus0
		want_no_file $DRV/bus0
	done
}

rebind() {
	echo bus0 > $DRV/unbind
	echo bus0 > $DRV/bind
	echo bus0 > $BUS/drivers_probe
	echo $DRIVER > $DEV/driver_override
} 2>/dev/null

bind_races_with_del() {
	driver_on
	touch "$TMP/go"
	while_there "$TMP/go" rebind &
	while_there "$TMP/go" rebind &
	for _ in $(seq 60); do
		vdpa dev add name bus0 mgmtdev $SIM || { rm "$TMP/go"; fail add; }
		vdpa dev del bus0 || { rm "$TMP/go"; fail del; }
	done
	rm "$TMP/go"
	wait
	want_no_file $DRV/bus0
	want_eq "" "$(devices)" devices
}

#
# Uevents: what udev and the like live on
#

uevents_start() {
	need_program uevent
	uevent sh -c 'echo "$ACTION $SUBSYSTEM ${DEVPATH##*/} ${DRIVER:-none}"' \
		> "$TMP/uevents" 2>/dev/null &
	LISTENER=$!
	# it is listening once it hears of an event that is made for it
	for _ in $(seq 100); do
		echo change > /sys/class/net/lo/uevent
		grep -q '^change net lo' "$TMP/uevents" && return
		sleep 0.05
	done
	fail "no uevents at all"
}

# The lines wanted, in this order, and no others about the bus
uevents_want() {
	for _ in $(seq 100); do
		grep ' vdpa ' "$TMP/uevents" > "$OUT"
		[ "$(wc -l < "$OUT")" -ge $# ] && break
		sleep 0.05
	done
	kill "$LISTENER"
	wait "$LISTENER" 2>/dev/null
	printf '%s\n' "$@" > "$TMP/want"
	cmp -s "$TMP/want" "$OUT" && return
	show_run
	fail "other uevents"
}

uevents_of_device() {
	uevents_start
	add
	want_ok vdpa dev del bus0
	uevents_want "add vdpa bus0 none" "remove vdpa bus0 none"
}

uevents_of_driver() {
	add
	driver_on
	uevents_start
	echo bus0 > $DRV/unbind
	echo bus0 > $DRV/bind
	uevents_want "unbind vdpa bus0 none" "bind vdpa bus0 $DRIVER"
}

run_tests
