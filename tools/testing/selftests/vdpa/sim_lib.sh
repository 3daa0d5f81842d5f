# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# For the shell tests of devices that the kernel's own drivers use: a pair of
# simulated network devices with a cable between them, each in a network
# namespace, and disks. Comes after lib.sh.

# shellcheck disable=SC2034
BLK=vdpasim_blk
PEER=$SIM_DIR/$SIM/peer

need_namespaces() {
	ip netns list >/dev/null 2>&1 || skip "no ip of iproute2"
}

need_driver() {
	modprobe virtio_net 2>/dev/null
	modprobe virtio_vdpa 2>/dev/null || skip "no bus driver virtio_vdpa"
	need_namespaces
}

# It would bind to the devices of other tests
unload_bus_driver() {
	[ ! -d /sys/module/virtio_vdpa ] || unload virtio_vdpa
}

del_namespaces() {
	for ns in vt1 vt2; do
		ip netns del $ns 2>/dev/null
	done
	return 0
}

# The first file that a pattern names, within 5 seconds
await_one() {
	for _ in $(seq 100); do
		for file in $1; do
			[ -e "$file" ] && echo "$file" && return
		done
		sleep 0.05
	done
	return 1
}

# COMMAND... until it succeeds, within 10 seconds
wait_for() {
	for _ in $(seq 100); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.1
	done
	fail "in vain: $*"
}

# Read in traffic, the counts of a device only grow, and do: DEVICE
want_growth() {
	for _ in $(seq 50); do
		grep "^$1 " "$STATS"
	done > "$TMP/growth"
	awk '{
		for (i = 3; i <= NF; i++) {
			if ($i !~ /^[0-9]+$/)
				continue
			if ($i + 0 < last[$2, i] + 0) {
				print "after " last[$2, i] ": " $0
				exit 1
			}
			grew += ($2, i) in last && $i + 0 > last[$2, i] + 0
			last[$2, i] = $i
		}
	}
	END { exit !grew }' "$TMP/growth" || fail "counts of $1"
}

# The sum of a counter over all queues of a device: DEVICE COUNTER
counter() {
	sed -n "s/^$1 .* *$2 \([0-9]*\).*/\1/p" "$STATS" |
		awk '{ sum += $1 } END { print sum + 0 }'
}

# DEVICE COUNTER NUMBER
counted_more() {
	[ "$(counter "$1" "$2")" -gt "$3" ]
}

#
# Network devices: a is in namespace vt1 with 10.9.0.1, b in vt2 with 10.9.0.2
#

netdev() {
	path=$(await_one "$BUS/devices/$1/virtio*/net/*") ||
		fail "no network interface of $1"
	basename "$path"
}

# DEVICE NUMBER: its interface is put where it belongs
link_up() {
	if=$(netdev "$1") || exit 1
	ip netns add "vt$2" 2>/dev/null
	want_ok ip link set dev "$if" netns "vt$2" name "$1"
	want_ok ip -n "vt$2" addr add "10.9.0.$2/24" dev "$1"
	want_ok ip -n "vt$2" link set dev "$1" up
}

add_one() {
	dev=$1
	number=$2
	shift 2
	want_ok vdpa dev add name "$dev" mgmtdev "$SIM" \
		mac "02:00:00:00:00:0$number" "$@"
	link_up "$dev" "$number"
}

announced() {
	! vdpa dev config show "$1" | grep -q "link_announce true"
}

# 6.12's virtio_net has itself announced by a work item that takes the lock of all
# interfaces, with which it waits for that very work item when one is closed.
add_pair() {
	need_driver
	add_one a 1 "$@"
	add_one b 2 "$@"
	echo "a b" > "$PEER" || fail "cannot connect"
	wait_for announced a
	wait_for announced b
}

in1() {
	ip netns exec vt1 "$@"
}

in2() {
	ip netns exec vt2 "$@"
}

carrier() {
	ip netns exec "$1" cat "/sys/class/net/$2/carrier"
}

want_carrier() {
	for _ in $(seq 100); do
		[ "$(carrier "$1" "$2")" = "$3" ] && return
		sleep 0.05
	done
	fail "carrier of $2 does not become $3"
}

# Once they know each other nothing gets lost any more
want_ping() {
	wait_for in1 ping -c 1 -W 2 "$@" 10.9.0.2
	want_ok in1 ping -c 3 -i 0.1 -W 10 "$@" 10.9.0.2
	grep -q "3 packets received" "$OUT" || { show_run; fail "lost packets"; }
}

# For programs that need not be in time; busybox may have renice only
# shellcheck disable=SC2016
LATER='renice -n 19 -p $$ >/dev/null; exec "$@"'

# Much in both directions, until end_stream; returns when it flows. What the test
# does to it meanwhile comes first.
background_stream() {
	in2 sh -c "$LATER" - "$HERE/stream" listen 7000 4 >/dev/null 2>&1 &
	listener=$!
	# port 7000, LISTEN
	wait_for in2 grep -q ":1B58 [^ ]* 0A " /proc/net/tcp
	before=$(counter a "tx packets")
	in1 sh -c "$LATER" - "$HERE/stream" send 10.9.0.2 7000 4 \
		1000000000 >/dev/null 2>&1 &
	sender=$!
	wait_for counted_more a "tx packets" $((before + 500))
}

end_stream() {
	kill $sender $listener 2>/dev/null
	wait $sender $listener 2>/dev/null
	return 0
}

#
# Disks
#

# NAME: sets DISK to the name of its block device
find_disk() {
	path=$(await_one "$BUS/devices/$1/virtio*/block/*/size") ||
		fail "no block device of $1"
	DISK=$(basename "$(dirname "$path")")
	wait_for test -b "/dev/$DISK"
}

# NAME ...: makes it, too
add_disk() {
	name=$1
	shift
	want_ok vdpa dev add name "$name" mgmtdev "$BLK" "$@"
	find_disk "$name"
}

# FILE COUNT: that many times 64 KiB
random() {
	dd if=/dev/urandom of="$1" bs=64k count="$2" 2>/dev/null
}

# Past the page cache, so that it is the device that answers
write_disk() {
	want_ok dd if="$1" of="/dev/$DISK" bs="${2:-64k}" oflag=direct conv=notrunc
}

read_disk() {
	want_ok dd if="/dev/$DISK" of="$1" bs="${2:-64k}" count="$3" iflag=direct
}

# Reads and writes without end, until the disk goes
disk_load() {
	exec 3<>"/dev/$DISK"
	(while dd if=/proc/self/fd/3 bs=4k count=4096 iflag=direct; do :; done) \
		>/dev/null 2>&1 &
	reader=$!
	(while dd if=/dev/zero of=/proc/self/fd/3 bs=64k count=512 oflag=direct; do
		:
	done) >/dev/null 2>&1 &
	writer=$!
	exec 3<&-
	sleep 1
}

# What was written into the dark is not what shall be there
want_disk_keeps_data() {
	random "$TMP/in" 4
	write_disk "$TMP/in"
	read_disk "$TMP/back" 64k 4
	want_ok cmp "$TMP/in" "$TMP/back"
}
