#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Simulated devices of class block, with the kernel's own driver.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=sim_lib.sh
. "$HERE/sim_lib.sh"

TESTS="what_was_written counts_in_traffic identity limits filesystem discard write_zeroes
       split_ring multiqueue sizes read_only shared_backend own_backends
       no_memory_at_first del_under_load unload_under_load bad_parameters"

STATS=$SIM_DIR/$BLK/stats
# All but the packed layout
SPLIT=0x330006646

RESET=reset_blk
AT_END=unload_bus_driver
reset_blk() {
	umount "$TMP/mnt" 2>/dev/null
	reset_all || return 1
	[ ! -d /sys/module/vdpa_sim_blk ] || unload vdpa_sim_blk
}

# Loads the module with parameters, and makes disk0
need_disk() {
	modprobe virtio_blk 2>/dev/null
	modprobe virtio_vdpa 2>/dev/null || skip "no bus driver virtio_vdpa"
	modprobe vdpa_sim_blk "$@" || fail "vdpa_sim_blk $*"
	add_disk disk0
}

mem_free() {
	sed -n 's/^MemFree: *\([0-9]*\) kB/\1/p' /proc/meminfo
}

attribute() {
	cat "/sys/block/$DISK/$1"
}

compare() {
	for size in 512 4096 65536 1048576; do
		random "$TMP/in" 16
		write_disk "$TMP/in" $size
		read_disk "$TMP/back" $size $((1048576 / size))
		cmp "$TMP/in" "$TMP/back" || fail "something else came back"
	done
	want_eq 0 "$(counter disk0 errors)" errors
}

what_was_written() {
	need_disk
	compare
	[ "$(counter disk0 "written bytes")" -eq 4194304 ] ||
		fail "written: $(cat "$STATS")"
}

counts_in_traffic() {
	need_disk
	dd if="/dev/$DISK" of=/dev/null bs=512 iflag=direct 2>/dev/null &
	reader=$!
	want_growth disk0
	kill $reader
	wait $reader 2>/dev/null
	want_eq 0 "$(counter disk0 errors)" errors
}

split_ring() {
	need_disk
	want_ok vdpa dev del disk0
	add_disk disk0 device_features $SPLIT
	compare
}

identity() {
	need_disk
	want_eq disk0 "$(attribute serial)" serial
	add_disk a-name-of-more-than-20-characters
	want_eq a-name-of-more-than- "$(attribute serial)" "serial cut off"
}

limits() {
	need_disk
	want_eq 262144 "$(attribute size)" size
	want_eq 126 "$(attribute queue/max_segments)" segments
	want_eq 1048576 "$(attribute queue/max_segment_size)" "segment size"
	want_eq 512 "$(attribute queue/logical_block_size)" "logical block"
	want_eq 4096 "$(attribute queue/physical_block_size)" "physical block"
	want_eq 4096 "$(attribute queue/discard_granularity)" "discard"
	want_eq 0 "$(attribute ro)" "read only"
	want_eq "write through" \
		"$(attribute queue/write_cache | sed 's/back/through/')" cache
}

filesystem() {
	need_program mke2fs
	need_program e2fsck
	need_disk
	mkdir -p "$TMP/mnt"
	random "$TMP/in" 128
	want_ok mke2fs -q -t ext2 "/dev/$DISK"
	mount -t ext2 "/dev/$DISK" "$TMP/mnt" 2>/dev/null ||
		mount -t ext4 "/dev/$DISK" "$TMP/mnt" 2>"$ERR" ||
		skip "no ext2: $(cat "$ERR")"
	for i in 1 2 3; do
		want_ok cp "$TMP/in" "$TMP/mnt/$i"
	done
	want_ok umount "$TMP/mnt"
	want_ok e2fsck -fn "/dev/$DISK"
	echo 3 > /proc/sys/vm/drop_caches
	mount -t ext2 "/dev/$DISK" "$TMP/mnt" 2>/dev/null ||
		mount -t ext4 "/dev/$DISK" "$TMP/mnt" || fail "mount again"
	for i in 1 2 3; do
		want_ok cmp "$TMP/in" "$TMP/mnt/$i"
	done
	want_ok umount "$TMP/mnt"
	want_eq 0 "$(counter disk0 errors)" errors
}

# OPTIONS FIRST LENGTH: has the bytes from FIRST on zeroed, of 64 KiB times 16
zeroed() {
	random "$TMP/in" 16
	write_disk "$TMP/in"
	# shellcheck disable=SC2086
	want_ok blkdiscard $1 -o "$2" -l "$3" "/dev/$DISK"
	read_disk "$TMP/back" 64k 16
	dd if=/dev/zero of="$TMP/in" bs=512 seek=$(($2 / 512)) \
		count=$(($3 / 512)) conv=notrunc 2>/dev/null
	cmp "$TMP/in" "$TMP/back" || fail "not what is left after blkdiscard $*"
}

discard() {
	need_program blkdiscard
	need_disk
	zeroed "" 65536 131072
	zeroed "" 0 4096
	want_eq 0 "$(counter disk0 errors)" errors
	# memory comes back
	dd if=/dev/urandom of="/dev/$DISK" bs=1M count=64 oflag=direct 2>/dev/null
	before=$(mem_free)
	want_ok blkdiscard "/dev/$DISK"
	for _ in $(seq 50); do
		[ $(($(mem_free) - before)) -gt 48000 ] && return
		sleep 0.1
	done
	fail "64 MiB were discarded, memory free: $before, now $(mem_free) kB"
}

write_zeroes() {
	need_program blkdiscard
	need_disk
	zeroed -z 512 1024
	zeroed -z 3584 66048
	zeroed -z 0 1048576
	want_eq 0 "$(counter disk0 errors)" errors
}

multiqueue() {
	need_disk num_queues=4
	[ "$(find "/sys/block/$DISK/mq" -mindepth 1 -maxdepth 1 | wc -l)" -ge 1 ] ||
		fail "no queues"
	want_eq 4 "$(grep -c "^disk0 " "$STATS")" queues
	for i in 1 2 3 4; do
		random "$TMP/in$i" 32
		dd if="$TMP/in$i" of="/dev/$DISK" bs=4k seek=$((i * 512)) \
			oflag=direct conv=notrunc 2>/dev/null &
	done
	wait
	for i in 1 2 3 4; do
		want_ok dd if="/dev/$DISK" of="$TMP/back" bs=4k count=512 \
			skip=$((i * 512)) iflag=direct
		want_ok cmp "$TMP/in$i" "$TMP/back"
	done
}

# The last sector can be used, what is behind it cannot
sizes() {
	need_disk capacity=1001
	want_eq 1001 "$(attribute size)" size
	random "$TMP/in" 1
	want_ok dd if="$TMP/in" of="/dev/$DISK" bs=512 count=1 seek=1000 \
		oflag=direct
	want_ok dd if="/dev/$DISK" of="$TMP/back" bs=512 count=1 skip=1000 \
		iflag=direct
	want_ok cmp -n 512 "$TMP/in" "$TMP/back"
	want_rc 1 dd if="$TMP/in" of="/dev/$DISK" bs=512 count=1 seek=1001 \
		oflag=direct
	want_ok vdpa dev del disk0
	want_ok rmmod vdpa_sim_blk
	# a million times what there is
	need_disk capacity=4398046511104
	want_eq 4398046511104 "$(attribute size)" size
	want_ok dd if="$TMP/in" of="/dev/$DISK" bs=4k count=1 \
		seek=549755813887 oflag=direct
}

read_only() {
	need_disk read_only=1
	want_eq 1 "$(attribute ro)" "read only"
	read_disk "$TMP/back" 4k 4
	want_eq 0 "$(tr -d '\0' < "$TMP/back" | wc -c)" "bytes that are not 0"
	want_rc 1 dd if=/dev/zero of="/dev/$DISK" bs=4k count=1 oflag=direct
}

two_disks() {
	first=$DISK
	add_disk disk1
	random "$TMP/in" 16
	want_ok dd if="$TMP/in" of="/dev/$first" bs=64k oflag=direct
	read_disk "$TMP/back" 64k 16
}

shared_backend() {
	need_disk shared_backend=1
	two_disks
	want_ok cmp "$TMP/in" "$TMP/back"
	# it stays while none is there
	want_ok vdpa dev del disk0
	want_ok vdpa dev del disk1
	add_disk disk2
	read_disk "$TMP/back" 64k 16
	want_ok cmp "$TMP/in" "$TMP/back"
}

own_backends() {
	need_disk
	two_disks
	want_eq 0 "$(tr -d '\0' < "$TMP/back" | wc -c)" "bytes that are not 0"
}

no_memory_at_first() {
	modprobe vdpa_sim_blk || fail "vdpa_sim_blk"
	echo 0 > $BUS/drivers_autoprobe
	before=$(mem_free)
	for i in $(seq 50); do
		want_ok vdpa dev add name "many$i" mgmtdev $BLK
	done
	# far from 128 MiB each
	[ $((before - $(mem_free))) -lt 51200 ] ||
		fail "free before: $before, now $(mem_free) kB"
}

load_disk() {
	dd if=/dev/zero of="/dev/$DISK" bs=64k oflag=direct count=100000 \
		2>/dev/null &
	dd if="/dev/$DISK" of=/dev/null bs=4k iflag=direct 2>/dev/null &
	sleep 1
}

del_under_load() {
	need_disk
	load_disk
	want_ok vdpa dev del disk0
	wait
	want_eq "" "$(devices)" devices
}

unload_under_load() {
	need_disk num_queues=2
	load_disk
	want_ok rmmod vdpa_sim_blk
	wait
	want_eq "" "$(devices)" devices
}

bad_parameters() {
	for parameter in capacity=0 capacity=18446744073709551615 num_queues=0 \
			 num_queues=17 read_only=maybe; do
		run modprobe vdpa_sim_blk $parameter
		[ "$RC" -ne 0 ] || fail "$parameter was accepted"
		want_no_file /sys/module/vdpa_sim_blk
		want_no_file /sys/devices/$BLK
	done
}

run_tests
