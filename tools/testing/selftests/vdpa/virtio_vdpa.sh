#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The bus driver for this host, virtio_vdpa, on simulated devices: what it makes
# of them, and that it lets go of them whatever they are doing.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=sim_lib.sh
. "$HERE/sim_lib.sh"

TESTS="is_a_virtio_device features_agreed without_driver binds_and_unbinds
       override_decides to_vhost_and_back
       unbound_in_traffic unbound_under_load unloaded_under_load
       queue_sizes ring_reset ring_reset_missing
       reset_fails reset_fails_in_use reset_fails_at_del cable_moves all_at_once sleeps"

STATS=$SIM_DIR/$SIM/stats
DRV=$BUS/drivers/virtio_vdpa
KUNIT_FILTER=/sys/module/kunit/parameters/filter_glob
POWER=/sys/power

RESET=reset_virtio
AT_END=unit_tests_again
reset_virtio() {
	# its unit tests are kunit.sh's: not each time that a module is loaded
	[ ! -e $KUNIT_FILTER ] || echo none > $KUNIT_FILTER
	del_namespaces
	reset_all || return 1
	for module in vhost_vdpa virtio_vdpa vdpa_sim_blk; do
		[ ! -d /sys/module/$module ] || unload $module || return 1
	done
}

unit_tests_again() {
	[ ! -e $KUNIT_FILTER ] || printf '*.*' > $KUNIT_FILTER
}

need_disk_driver() {
	need_driver
	modprobe virtio_blk 2>/dev/null
	modprobe vdpa_sim_blk || fail "vdpa_sim_blk"
}

# DEVICE: the directory of the virtio device that it is
virtio_of() {
	await_one "/sys/devices/vdpasim_*/$1/virtio*" ||
		fail "$1 is no virtio device"
}

no_virtio() {
	for virtio in /sys/devices/vdpasim_*/"$1"/virtio*; do
		[ ! -e "$virtio" ] || fail "$1 is still a virtio device"
	done
}

bind() {
	echo "$1" > $DRV/bind || fail "cannot bind $1"
}

unbind() {
	echo "$1" > $DRV/unbind || fail "cannot unbind $1"
	no_virtio "$1"
}

# DEVICE DRIVER STATUS
want_driver() {
	want_ok vdpa -d dev show "$1"
	grep -q "driver $2 status $3 " "$OUT" ||
		{ show_run; fail "not driver $2, status $3"; }
}

is_a_virtio_device() {
	need_disk_driver
	add_one a 1
	add_disk disk0
	net=$(virtio_of a)
	disk=$(virtio_of disk0)
	want_eq 0x0001 "$(cat "$net/device")" "class of a"
	want_eq 0x0002 "$(cat "$disk/device")" "class of disk0"
	for virtio in "$net" "$disk"; do
		want_eq 0x0000 "$(cat "$virtio/vendor")" vendor
		want_eq 0x0000000f "$(cat "$virtio/status")" status
	done
	want_driver a virtio_vdpa 0xf
	want_driver disk0 virtio_vdpa 0xf
	want_ok vdpa dev del a
	want_no_file "$net"
	want_ok vdpa dev del disk0
	want_no_file "$disk"
	want_no_file "/dev/$DISK"
}

unload_sim() {
	want_ok rmmod vdpa_sim_blk
	run rmmod vdpa_test vdpa_sim_net
	want_ok rmmod vdpa_sim
}

# Bit N of the features that were agreed on
feature() {
	cut -c $(($2 + 1)) "$1/features"
}

features_agreed() {
	need_driver
	want_ok vdpa dev add name all mgmtdev "$SIM"
	virtio=$(virtio_of all)
	want_eq 1 "$(feature "$virtio" 32)" VERSION_1
	want_eq 1 "$(feature "$virtio" 33)" ACCESS_PLATFORM
	want_eq 1 "$(feature "$virtio" 34)" RING_PACKED
	want_eq 1 "$(feature "$virtio" 40)" RING_RESET
	# MAC, MTU, STATUS and no packed rings
	want_ok vdpa dev add name some mgmtdev "$SIM" \
		device_features 0x300010028
	virtio=$(virtio_of some)
	want_eq "0001010000000000100000000000000011000000000000000000000000000000" \
		"$(cat "$virtio/features")" features
}

without_driver() {
	need_driver
	rmmod virtio_net 2>"$ERR" || skip "virtio_net stays: $(cat "$ERR")"
	want_ok vdpa dev add name a mgmtdev "$SIM"
	virtio_of a >/dev/null
	want_driver a virtio_vdpa 0x1
	unbind a
	want_driver a none 0x0
	bind a
	modprobe virtio_net
	link_up a 1
	want_driver a virtio_vdpa 0xf
	# the driver goes before the device, and before the bus driver
	want_ok rmmod virtio_net
	want_driver a virtio_vdpa 0x1
	want_ok vdpa dev del a
	modprobe virtio_net
}

binds_and_unbinds() {
	add_pair
	for _ in 1 2; do
		for dev in "a 1" "b 2"; do
			unbind "${dev% *}"
			want_driver "${dev% *}" none 0x0
			want_no_file "$DRV/${dev% *}"
			bind "${dev% *}"
			# shellcheck disable=SC2086
			link_up $dev
		done
		want_ping
	done
}

override_decides() {
	add_pair
	unbind a
	echo nobody > $BUS/devices/a/driver_override
	(echo a > $DRV/bind) 2>/dev/null && fail "bound against the override"
	no_virtio a
	echo virtio_vdpa > $BUS/devices/a/driver_override
	echo a > $BUS/drivers_probe
	link_up a 1
	want_ping
}

# Whoever opened it has set up translations of its own
to_vhost_and_back() {
	add_pair
	modprobe vhost_vdpa 2>/dev/null || skip "no bus driver vhost_vdpa"
	for _ in 1 2; do
		unbind a
		echo a > $BUS/drivers/vhost_vdpa/bind || fail "vhost_vdpa"
		node=$(await_one "$BUS/devices/a/vhost-vdpa-*") || fail "no node"
		wait_for test -c "/dev/${node##*/}"
		true <> "/dev/${node##*/}" || fail "cannot open ${node##*/}"
		echo a > $BUS/drivers/vhost_vdpa/unbind
		bind a
		link_up a 1
		want_ping
	done
}

unbound_in_traffic() {
	add_pair
	for _ in 1 2; do
		background_stream
		unbind a
		end_stream
		bind a
		link_up a 1
		want_ping
	done
}

unbound_under_load() {
	need_disk_driver
	add_disk disk0
	for _ in 1 2; do
		disk_load
		unbind disk0
		want_driver disk0 none 0x0
		wait "$reader" "$writer"
		bind disk0
		find_disk disk0
		want_disk_keeps_data
	done
}

unloaded_under_load() {
	need_disk_driver
	add_pair
	add_disk disk0
	random "$TMP/kept" 4
	write_disk "$TMP/kept"
	background_stream
	(while dd if="/dev/$DISK" of=/dev/null bs=4k iflag=direct; do :; done) \
		>/dev/null 2>&1 &
	reader=$!
	sleep 0.5
	unload virtio_vdpa || fail "virtio_vdpa stays loaded"
	for dev in a b disk0; do
		no_virtio $dev
		want_driver $dev none 0x0
	done
	end_stream
	wait "$reader"
	modprobe virtio_vdpa
	link_up a 1
	link_up b 2
	want_ping
	find_disk disk0
	read_disk "$TMP/back" 64k 4
	want_ok cmp "$TMP/kept" "$TMP/back"
}

# Of both layouts, the smallest and the largest included
queue_sizes() {
	need_disk_driver
	for size in 1 2 32768; do
		unload_sim
		want_ok modprobe vdpa_sim max_vq_size=$size
		want_ok modprobe vdpa_sim_blk
		for features in 0x730006646 0x330006646; do
			add_disk disk0 device_features $features
			want_disk_keeps_data
			want_ok vdpa dev del disk0
		done
	done
	unload_sim
}

# SIZE: of the queues of a; smaller ones than 19 would keep virtio_net from
# sending
resize() {
	want_ok in1 ethtool -G a rx "$1" tx "$1"
	want_ok in1 ethtool -g a
	want_eq "256 $1 " "$(awk '/^TX:/ { printf "%s ", $2 }' "$OUT")" "sizes of a"
}

# Queues of both layouts become others while packets go through them
ring_reset() {
	for features in 0x10330018028 0x10730018028; do
		add_pair device_features $features
		background_stream
		for size in 32 256; do
			resize $size
			sent=$(counter a "tx packets")
			received=$(counter a "rx packets")
			wait_for counted_more a "tx packets" "$sent"
			wait_for counted_more a "rx packets" "$received"
		done
		end_stream
		want_ping
		want_ok vdpa dev del a
		want_ok vdpa dev del b
		del_namespaces
	done
}

# Without the feature a queue stays as it is
ring_reset_missing() {
	add_pair device_features 0x330018028
	run in1 ethtool -G a rx 64
	[ "$RC" -ne 0 ] || fail "a queue was reset"
	want_ping
}

# A device that cannot even be reset is left alone
reset_fails() {
	need_driver
	echo 1 > "$SIM_DIR/$SIM/fail_reset"
	want_ok vdpa dev add name a mgmtdev "$SIM"
	no_virtio a
	want_driver a none 0x0
	echo 0 > "$SIM_DIR/$SIM/fail_reset"
	bind a
	link_up a 1
	want_driver a virtio_vdpa 0xf
}

reset_fails_in_use() {
	add_pair
	background_stream
	echo 1 > "$SIM_DIR/$SIM/fail_reset"
	unbind a
	end_stream
	(echo a > $DRV/bind) 2>/dev/null && fail "bound without a reset"
	no_virtio a
	echo 0 > "$SIM_DIR/$SIM/fail_reset"
	bind a
	link_up a 1
	want_ping
}

reset_fails_at_del() {
	add_pair
	background_stream
	echo 1 > "$SIM_DIR/$SIM/fail_reset"
	want_ok vdpa dev del a
	unload virtio_vdpa || fail "virtio_vdpa stays loaded"
	end_stream
	want_ok vdpa dev del b
	want_eq "" "$(devices)" devices
}

# Interrupts of the configuration space while there is nobody to take them
cable_moves() {
	add_pair
	(while [ ! -e "$TMP/stop" ]; do
		echo "a a" > "$PEER"
		echo "a" > "$PEER"
	done) 2>/dev/null &
	mover=$!
	for _ in 1 2 3 4 5 6 7 8; do
		unbind a
		bind a
	done
	touch "$TMP/stop"
	wait $mover
	rm "$TMP/stop"
	link_up a 1
	echo "a b" > "$PEER"
	want_carrier vt1 a 1
	want_ping
}

# COMMAND... again and again until the test ends it
again() {
	(while [ ! -e "$TMP/stop" ]; do
		"$@"
	done) >/dev/null 2>&1 &
}

bind_all() {
	for dev in a b disk0; do
		echo $dev > $DRV/unbind
		echo $dev > $DRV/bind
	done
}

look_at_all() {
	cat /sys/bus/virtio/devices/*/status /sys/bus/virtio/devices/*/features
	vdpa -d dev show
}

# Nothing is expected of these but to end
all_at_once() {
	need_disk_driver
	again bind_all
	again look_at_all
	again sh -c "vdpa dev add name a mgmtdev $SIM; vdpa dev del a"
	again sh -c "vdpa dev add name disk0 mgmtdev $BLK; vdpa dev del disk0"
	again sh -c "modprobe virtio_vdpa; sleep 0.3; rmmod virtio_vdpa"
	sleep 4
	touch "$TMP/stop"
	wait
	rm "$TMP/stop"
	for dev in a disk0; do
		[ ! -e "$BUS/devices/$dev" ] || want_ok vdpa dev del $dev
	done
	modprobe virtio_vdpa
	add_pair
	want_ping
}

# Devices are put to sleep and woken, the host stays awake
need_sleep() {
	grep -qw devices $POWER/pm_test 2>/dev/null ||
		skip "kernel without PM_DEBUG"
	echo 0 > /sys/module/suspend/parameters/pm_test_delay
	echo devices > $POWER/pm_test
}

go_to_sleep() {
	run sh -c "echo freeze > $POWER/state"
	echo none > $POWER/pm_test
}

# Nothing is sent meanwhile: virtio_net of Linux 6.12 may go on to, in queues that
# it has deleted, as its own poll wakes what it stopped for the sleep
sleeps() {
	need_disk_driver
	need_sleep
	add_pair
	add_disk disk0
	random "$TMP/in" 4
	write_disk "$TMP/in"
	want_ping
	go_to_sleep
	want_eq 0 "$RC" "exit status of the sleep"
	want_driver a virtio_vdpa 0xf
	want_driver disk0 virtio_vdpa 0xf
	want_ping
	read_disk "$TMP/back" 64k 4
	want_ok cmp "$TMP/in" "$TMP/back"
}

run_tests
