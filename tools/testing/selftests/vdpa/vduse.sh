#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Linux 6.12's VDUSE on our core, and our bus drivers on its devices, each of
# which is a program: a disk of qemu-storage-daemon, and devices that misbehave.
# Wants a kernel with the module vduse; see run_vendor.sh.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=sim_lib.sh
. "$HERE/sim_lib.sh"

TESTS="disk_keeps_data disk_filesystem disk_leaves_under_load
       disk_daemon_comes_back disk_daemon_dies_under_load disk_daemon_dies_idle
       config_short config_short_features config_empty_disk
       queue_numbers queue_sizes alignments
       noisy noisy_falls_silent refuses silent silent_for_ever
       silent_when_asked killed_at_add
       silent_behind_vhost"

VDUSE=/sys/class/vduse
DRV=$BUS/drivers/virtio_vdpa
# VDUSE gives up on a program that does not answer after so many seconds
PATIENCE=2

RESET=reset_vduse
reset_vduse() {
	! grep -q " $TMP/mnt " /proc/mounts || umount "$TMP/mnt"
	for dev in disk0 odd0; do
		[ ! -e $BUS/devices/$dev ] || (let_go $dev) || return 1
	done
	[ ! -e $BUS/devices/other0 ] || vdpa dev del other0
	echo 1 > $BUS/drivers_autoprobe
	for pid in "$TMP"/*.pid; do
		[ ! -e "$pid" ] || end_daemon "$pid"
	done
	for dev in disk0 odd0; do
		[ ! -e $VDUSE/$dev ] || (destroy $dev) || return 1
	done
	rm -rf "${TMP:?}"/*
	for module in vhost_vdpa virtio_vdpa vduse; do
		[ ! -d /sys/module/$module ] || unload $module || return 1
	done
	[ -z "$(devices)" ]
}

gone() {
	[ ! -e "$1" ]
}

# PIDFILE
end_daemon() {
	pid=$(cat "$1")
	rm "$1"
	kill -9 "$pid" 2>/dev/null
	(wait_for gone "/proc/$pid")
}

# DEVICE: of a disk that a test left with requests and without a program this
# would be in vain for ever, see disk_daemon_dies_under_load
let_go() {
	[ "$1" != disk0 ] || [ -e "$TMP/disk0.pid" ] || disk_daemon
	echo 1 > "$VDUSE/$1/msg_timeout"
	{ vdpa dev del "$1"; true > "$TMP/deleted"; } &
	wait_for test -e "$TMP/deleted"
}

# DEVICE: once its program has ended
destroy() {
	want_ok "$HERE/vduse_daemon" destroy "$1"
	want_no_file "$VDUSE/$1"
	want_no_file "/dev/vduse/$1"
}

need_vduse() {
	modprobe vduse 2>/dev/null || skip "no module vduse"
	need_driver
	modprobe virtio_blk 2>/dev/null
	return 0
}

# DEVICE DRIVER STATUS
want_driver() {
	want_ok vdpa -d dev show "$1"
	grep -q "driver $2 status $3 " "$OUT" ||
		{ show_run; fail "not driver $2, status $3"; }
}

no_virtio() {
	for virtio in "$BUS/devices/$1"/virtio*; do
		[ ! -e "$virtio" ] || fail "$1 is a virtio device"
	done
}

# COMMAND...: does not wait for the program of another device, which could be
# for ever
at_once() {
	want_ok timeout 30 "$@"
}

# Whatever else there is to do with vDPA devices can be done
want_others_at_work() {
	at_once vdpa dev show
	at_once vdpa -d mgmtdev show vduse
	load vdpa_sim_net
	at_once vdpa dev add name other0 mgmtdev "$SIM"
	at_once vdpa -d dev show other0
	for object in config features stats queue profile; do
		at_once vdpa dev $object show other0
	done
	at_once vdpa dev vstats show other0 qidx 0
	at_once vdpa dev set other0 mtu 1400
	at_once vdpa save other0
	at_once vdpa dev del other0
}

#
# A disk: of 16 MiB, in the file disk, two queues
#

EXPORT=type=vduse-blk,id=export0,name=disk0,node-name=file0
DISK_HAS=writable=on,num-queues=2,queue-size=64

disk_daemon() {
	[ -e "$TMP/disk" ] || truncate -s 16M "$TMP/disk"
	# where it keeps track of requests, for another one that goes on
	want_ok env TMPDIR="$TMP" qemu-storage-daemon \
		--daemonize --pidfile "$TMP/disk0.pid" \
		--blockdev "driver=file,node-name=file0,filename=$TMP/disk" \
		--export "$EXPORT,$DISK_HAS"
	echo $PATIENCE > $VDUSE/disk0/msg_timeout || fail "msg_timeout"
}

disk_up() {
	want_ok vdpa dev add name disk0 mgmtdev vduse type block
	want_driver disk0 virtio_vdpa 0xf
	find_disk disk0
}

need_disk() {
	need_program qemu-storage-daemon
	need_vduse
	disk_daemon
	disk_up
}

# All of it is gone, which there was of the disk
want_end_of_disk() {
	want_eq "" "$(devices)" devices
	want_no_file "/dev/$DISK"
	[ ! -e "$TMP/disk0.pid" ] || end_daemon "$TMP/disk0.pid"
	destroy disk0
	unload virtio_vdpa || fail "virtio_vdpa stays loaded"
	unload vduse || fail "vduse stays loaded"
}

disk_keeps_data() {
	need_disk
	want_eq 32768 "$(cat "/sys/block/$DISK/size")" sectors
	want_eq 2 "$(find "/sys/block/$DISK/mq" -mindepth 1 -maxdepth 1 |
		     wc -l)" queues
	random "$TMP/in" 16
	for bs in 512 4k 1M; do
		want_ok dd if="$TMP/in" of="/dev/$DISK" bs=$bs count=4 \
			oflag=direct conv=notrunc
	done
	write_disk "$TMP/in"
	read_disk "$TMP/back" 4k 256
	want_ok cmp "$TMP/in" "$TMP/back"
	want_ok cmp -n 1048576 "$TMP/in" "$TMP/disk"
	# what another program wrote into the file
	random "$TMP/in" 16
	want_ok dd if="$TMP/in" of="$TMP/disk" bs=64k seek=16 conv=notrunc
	want_ok dd if="/dev/$DISK" of="$TMP/back" bs=64k skip=16 count=16 \
		iflag=direct
	want_ok cmp "$TMP/in" "$TMP/back"

	want_ok vdpa dev del disk0
	want_no_file "/dev/$DISK"
	disk_up
	want_ok dd if="/dev/$DISK" of="$TMP/back" bs=64k skip=16 count=16 \
		iflag=direct
	want_ok cmp "$TMP/in" "$TMP/back"
	want_ok vdpa dev del disk0
	want_end_of_disk
}

disk_filesystem() {
	need_program mke2fs
	need_program e2fsck
	need_disk
	mkdir "$TMP/mnt"
	random "$TMP/in" 64
	want_ok mke2fs -q -t ext2 "/dev/$DISK"
	want_ok mount -t ext2 "/dev/$DISK" "$TMP/mnt"
	for i in 1 2; do
		want_ok cp "$TMP/in" "$TMP/mnt/$i"
	done
	want_ok umount "$TMP/mnt"
	want_ok e2fsck -fn "$TMP/disk"
	echo 3 > /proc/sys/vm/drop_caches
	want_ok mount -t ext2 "/dev/$DISK" "$TMP/mnt"
	for i in 1 2; do
		want_ok cmp "$TMP/in" "$TMP/mnt/$i"
	done
	want_ok umount "$TMP/mnt"
}

delete() {
	want_ok vdpa dev del disk0
	want_eq "" "$(devices)" devices
}

unbind() {
	echo disk0 > $DRV/unbind || fail "cannot unbind"
	no_virtio disk0
	want_driver disk0 none 0x0
}

unload_driver() {
	unload virtio_vdpa || fail "virtio_vdpa stays loaded"
	no_virtio disk0
	want_driver disk0 none 0x0
}

bind() {
	echo disk0 > $DRV/bind || fail "cannot bind"
}

load_driver() {
	want_ok modprobe virtio_vdpa
}

disk_leaves_under_load() {
	need_disk
	for ways in "delete disk_up" "unbind bind" "unload_driver load_driver"; do
		disk_load
		${ways% *}
		wait "$reader" "$writer"
		want_no_file "/dev/$DISK"
		${ways#* }
		find_disk disk0
		want_disk_keeps_data
	done
}

# NUMBER: writes a part of 2 MiB in small pieces
write_part() {
	random "$TMP/in$1" 32
	dd if="$TMP/in$1" of="/dev/$DISK" bs=4k seek=$(($1 * 512)) \
		oflag=direct conv=notrunc 2>"$TMP/err$1"
}

# Requests that the device has not answered yet
in_flight() {
	read -r reads writes < "/sys/block/$DISK/inflight"
	[ $((reads + writes)) -gt 0 ]
}

# The client waits, and sees no more of it than that
disk_daemon_comes_back() {
	need_disk
	pids=
	for i in 0 1 2 3; do
		write_part $i &
		pids="$pids $!"
	done
	for _ in 1 2; do
		wait_for in_flight
		sleep 0.3
		end_daemon "$TMP/disk0.pid"
		sleep 1
		in_flight || fail "nothing waits for the program"
		disk_daemon
	done
	for pid in $pids; do
		wait "$pid" || fail "cannot write: $(cat "$TMP"/err?)"
	done
	cat "$TMP"/in[0123] > "$TMP/in"
	read_disk "$TMP/back" 64k 128
	want_ok cmp "$TMP/in" "$TMP/back"
	want_ok cmp -n 8388608 "$TMP/in" "$TMP/disk"
	want_ok vdpa dev del disk0
	want_end_of_disk
}

# Nobody answers the requests any more. VDUSE tells nobody, for the program may
# come back; and virtio_blk of Linux 6.12 sets requests no time limit, nor does it
# give them up when its device leaves. So whoever reads or writes waits, without
# an error, and so does `vdpa dev del`, until another program takes over; everybody
# else is at work as ever.
disk_daemon_dies_under_load() {
	need_disk
	disk_load
	end_daemon "$TMP/disk0.pid"
	sleep 1
	in_flight || fail "nothing waits for the program"
	vdpa dev del disk0 >"$TMP/del" 2>&1 &
	del=$!
	sleep $((PATIENCE + 1))
	want_others_at_work
	disk_daemon
	wait $del || fail "cannot delete: $(cat "$TMP/del")"
	wait "$reader" "$writer"
	want_end_of_disk
}

# There is nothing to wait for, but the answer to the reset
disk_daemon_dies_idle() {
	need_disk
	want_disk_keeps_data
	end_daemon "$TMP/disk0.pid"
	want_ok vdpa dev del disk0
	want_end_of_disk

	# without a bus driver, nobody asks the program anything
	need_vduse
	disk_daemon
	echo 0 > $BUS/drivers_autoprobe
	want_ok vdpa dev add name disk0 mgmtdev vduse type block
	echo 1 > $BUS/drivers_autoprobe
	end_daemon "$TMP/disk0.pid"
	want_ok vdpa dev del disk0
	want_end_of_disk
}

#
# Devices that misbehave. The MAC address (bytes 0 to 5), the link (6 to 7) and
# the MTU (10 to 11) are what virtio_net wants of the configuration space. Bit 1
# of the link is left alone: to virtio_net of Linux 6.12 it is a BUG if a device
# that has no control queue sets it.
#

MTU=0x8
MAC=0x20
LINK=0x10000

# ARG...: a program that is the device odd0, as vduse_daemon describes it; false
# if VDUSE takes no such device
odd() {
	"$HERE/vduse_daemon" serve odd0 "$@" >"$TMP/pid" 2>"$TMP/odd.err"
	case $? in
	0)	mv "$TMP/pid" "$TMP/odd0.pid" ;;
	4)	return 1 ;;
	*)	fail "vduse_daemon $*: $(cat "$TMP/odd.err")" ;;
	esac
	echo $PATIENCE > $VDUSE/odd0/msg_timeout || fail "msg_timeout"
}

# ARG...: the same where VDUSE must take it
take_odd() {
	odd "$@" || fail "VDUSE refuses $*: $(cat "$TMP/odd.err")"
}

odd_up() {
	want_ok vdpa dev add name odd0 mgmtdev vduse type net
}

# The network interface that it is, if any
odd_interface() {
	for interface in $BUS/devices/odd0/virtio*/net/*; do
		[ ! -e "$interface" ] || echo "$interface"
	done
}

want_interface() {
	[ -n "$(odd_interface)" ] || fail "no network interface: $1"
}

want_no_interface() {
	want_eq "" "$(odd_interface)" "network interface: $1"
}

odd_end() {
	want_ok vdpa dev del odd0
	want_eq "" "$(devices)" devices
	end_daemon "$TMP/odd0.pid"
	destroy odd0
}

# What the device has not got is zero, and nothing that was in memory
config_short() {
	need_vduse
	for address in 6=aa:aa:aa:aa:aa:aa 5=aa:aa:aa:aa:aa:00 \
		       3=aa:aa:aa:00:00:00 1=aa:00:00:00:00:00; do
		take_odd features $MAC config "${address%=*}"
		odd_up
		want_interface "${address%=*} bytes"
		want_eq "${address#*=}" "$(cat "$(odd_interface)/address")" \
			"${address%=*} bytes"
		odd_end
	done
	# all of it unknown: an address by chance
	take_odd features $MAC config 0
	odd_up
	odd_end
}

config_short_features() {
	need_vduse
	for carrier in 6=0 7=1 8=1; do
		take_odd features $LINK config ${carrier%=*} fill 1
		odd_up
		want_interface "link of ${carrier%=*} bytes"
		want_ok ip link set "$(basename "$(odd_interface)")" up
		wait_for grep -q ${carrier#*=} "$(odd_interface)/carrier"
		odd_end
	done
	# an MTU of 0, which virtio_net takes for none, and one of 0xaa
	for mtu in 10=1500 11=170; do
		take_odd features $MTU config ${mtu%=*}
		odd_up
		want_interface "MTU of ${mtu%=*} bytes"
		want_eq ${mtu#*=} "$(cat "$(odd_interface)/mtu")" MTU
		odd_end
	done
	# more than there is
	take_odd features $MAC config 4096
	odd_up
	want_interface "4096 bytes"
	odd_end
	! odd features $MAC config 4097 || fail "VDUSE takes 4097 bytes"
}

config_empty_disk() {
	need_vduse
	take_odd block config 0
	want_ok vdpa dev add name odd0 mgmtdev vduse type block
	find_disk odd0
	want_eq 0 "$(cat "/sys/block/$DISK/size")" sectors
	odd_end
}

# A disk, for virtio_net of Linux 6.12 leaks what it has of a device with too few
queue_numbers() {
	need_vduse
	take_odd block config 0 queues 0
	want_refused 1 "Device has contradicting queue sizes" \
		vdpa dev add name odd0 mgmtdev vduse type block
	end_daemon "$TMP/odd0.pid"
	destroy odd0
	! odd block config 0 queues 65536 || fail "VDUSE takes 65536 queues"
	for queues in 1 3 100; do
		take_odd block config 0 queues $queues
		want_ok vdpa dev add name odd0 mgmtdev vduse type block
		find_disk odd0
		odd_end
	done
}

# Rounded down to what a split ring can be
queue_sizes() {
	need_vduse
	if odd queue-size 0; then
		run vdpa dev add name odd0 mgmtdev vduse type net
		[ "$RC" -ne 0 ] || fail "a device with queues of 0"
		end_daemon "$TMP/odd0.pid"
		destroy odd0
	fi
	for size in 1 3 1023 32768 65535; do
		take_odd queue-size $size
		odd_up
		want_interface "queues of $size"
		odd_end
	done
}

alignments() {
	need_vduse
	for align in 64 2048 4096; do
		take_odd align $align
		odd_up
		want_interface "alignment $align"
		odd_end
	done
	# VDUSE of Linux 6.12 takes none of these
	for align in 0 1 3 4095 8192 0x80000000; do
		odd align $align || continue
		odd_up
		[ $align = 1 ] || want_no_interface "alignment $align"
		odd_end
	done
}

# Interrupts while the device comes and goes
noisy() {
	need_vduse
	take_odd noisy features $LINK fill 1
	for _ in 1 2; do
		odd_up
		want_interface noisy
		want_ok ip link set "$(basename "$(odd_interface)")" up
		for _ in 1 2; do
			echo odd0 > $DRV/unbind || fail "cannot unbind"
			no_virtio odd0
			echo odd0 > $DRV/bind || fail "cannot bind"
			want_interface noisy
		done
		want_ok vdpa dev del odd0
	done
	odd_up
	unload virtio_vdpa || fail "virtio_vdpa stays loaded"
	odd_end
}

# The same of one that cannot be reset, in the end
noisy_falls_silent() {
	need_vduse
	take_odd noisy features $LINK fill 1
	odd_up
	want_interface noisy
	want_ok ip link set "$(basename "$(odd_interface)")" up
	kill -USR1 "$(cat "$TMP/odd0.pid")" || fail "no program"
	echo odd0 > $DRV/unbind || fail "cannot unbind"
	no_virtio odd0
	(echo odd0 > $DRV/bind) 2>/dev/null && fail "bound without a reset"
	no_virtio odd0
	odd_end
}

# A device that cannot even be reset is left alone
refuses() {
	need_vduse
	take_odd refuse
	odd_up
	no_virtio odd0
	want_driver odd0 none 0x0
	(echo odd0 > $DRV/bind) 2>/dev/null && fail "bound without a reset"
	odd_end
}

# After a while it is as with one that refuses
silent() {
	need_vduse
	take_odd silent
	odd_up
	no_virtio odd0
	want_driver odd0 none 0x0
	(echo odd0 > $DRV/bind) 2>/dev/null && fail "bound without a reset"
	odd_end
}

# PID: it waits for what VDUSE sets no limit to. Whoever asked waits, nobody else,
# and who asked may be killed.
want_only_this_waits() {
	want_others_at_work
	want_file $BUS/devices/odd0/driver
	kill -9 "$1" || fail "nobody waits"
	wait "$1" 2>/dev/null
	echo $PATIENCE > $VDUSE/odd0/msg_timeout
}

# Sets ADD to who adds odd0, and waits while virtio_vdpa is at it
add_silent_for_ever() {
	need_vduse
	take_odd silent
	echo 0 > $VDUSE/odd0/msg_timeout
	vdpa dev add name odd0 mgmtdev vduse type net &
	ADD=$!
	wait_for test -e $BUS/devices/odd0/driver
}

silent_for_ever() {
	add_silent_for_ever
	want_only_this_waits $ADD
	no_virtio odd0
	want_driver odd0 none 0x0
	odd_end
}

# What is known of the device is told; what only its program knows, who asks for
# it waits for, alone, be it in a list, and may be killed
silent_when_asked() {
	add_silent_for_ever
	at_once vdpa dev show odd0
	at_once vdpa -jd dev show
	for command in "config show odd0" "profile show odd0" "config show"; do
		# shellcheck disable=SC2086
		vdpa dev $command >"$TMP/asked" 2>&1 &
		asked=$!
		sleep 1
		at_once vdpa dev show odd0
		want_others_at_work
		kill -9 $asked
		wait $asked 2>/dev/null
		want_eq 137 $? "exit status of vdpa dev $command"
	done
	want_only_this_waits $ADD
	odd_end
}

killed_at_add() {
	need_vduse
	take_odd silent
	vdpa dev add name odd0 mgmtdev vduse type net >"$TMP/add" 2>&1 &
	add=$!
	wait_for test -e $BUS/devices/odd0
	end_daemon "$TMP/odd0.pid"
	want_others_at_work
	wait $add || fail "cannot add: $(cat "$TMP/add")"
	no_virtio odd0
	want_driver odd0 none 0x0
	want_ok vdpa dev del odd0
	destroy odd0
}

# Sets NODE to the one of odd0
find_node() {
	NODE=$(await_one "$BUS/devices/odd0/vhost-vdpa-*") || fail "no node"
	NODE=/dev/${NODE##*/}
	wait_for test -c "$NODE"
}

# Opening resets it
silent_behind_vhost() {
	need_vduse
	unload_bus_driver
	modprobe vhost_vdpa 2>/dev/null || skip "no bus driver vhost_vdpa"
	take_odd silent
	odd_up
	find_node
	(true <> "$NODE") 2>/dev/null && fail "opened without a reset"
	odd_end
	take_odd silent
	odd_up
	find_node
	echo 0 > $VDUSE/odd0/msg_timeout
	(true <> "$NODE") 2>/dev/null &
	want_only_this_waits $!
	want_driver odd0 vhost_vdpa 0x0
	odd_end
}

run_tests
