#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Parents and bus drivers of Linux 6.12, built unchanged on our core: they must
# run on it. Wants a kernel with their modules, and a virtio network card on
# PCI that nothing else uses, in a network where 10.0.2.2 answers, as in QEMU's
# "user"; see run_vendor.sh.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=sim_lib.sh
. "$HERE/sim_lib.sh"

PCI=/sys/bus/pci
TESTS="lists_its_handle adds_and_deletes unbinding_takes_all_with_it
       virtio_vdpa_binds card_talks card_leaves_in_traffic
       vhost_vdpa_binds vhost_vdpa_maps vduse_is_listed"

# The first virtio network device on PCI
nic() {
	for dev in "$PCI"/devices/*; do
		[ "$(cat "$dev/vendor" "$dev/class")" = "0x1af4
0x020000" ] || continue
		basename "$dev"
		return
	done
}
NIC=$(nic)
LIMITS="vendor_id 6900 max_vqs 3 max_vq_size 256"

RESET=reset_vendor
reset_vendor() {
	ip netns del vp 2>/dev/null
	for module in virtio_vdpa vhost_vdpa vp_vdpa; do
		[ -d /sys/module/$module ] || continue
		unload $module || return 1
	done
	load vp_vdpa || return 1
	[ -n "$NIC" ] || return 0
	card_to_vp_vdpa && [ -z "$(devices)" ]
}

card_to_vp_vdpa() {
	[ -e "$PCI/devices/$NIC/driver" ] &&
		echo "$NIC" > "$PCI/devices/$NIC/driver/unbind"
	echo vp-vdpa > "$PCI/devices/$NIC/driver_override"
	echo "$NIC" > $PCI/drivers_probe
	[ -e "$PCI/drivers/vp-vdpa/$NIC" ]
}

need_nic() {
	[ -n "$NIC" ] || skip "no virtio network card on PCI"
}

lists_its_handle() {
	need_nic
	want_ok vdpa mgmtdev show "pci/$NIC"
	want_line "pci/$NIC: "
	want_line "  supported_classes net"
	want_line "  max_supported_vqs 3"
}

adds_and_deletes() {
	need_nic
	for round in 1 2 3; do
		want_ok vdpa dev add name vp$round mgmtdev "pci/$NIC"
		want_ok vdpa dev show vp$round
		want_line "vp$round: type network mgmtdev pci/$NIC $LIMITS"
		want_file "$PCI/devices/$NIC/vp$round"
		want_ok vdpa dev del vp$round
		want_no_file "$PCI/devices/$NIC/vp$round"
	done
	# the directory of a PCI device is full of names
	want_refused 1 '"config": Device name is taken by a file in sysfs' \
		vdpa dev add name config mgmtdev "pci/$NIC"
}

unbinding_takes_all_with_it() {
	need_nic
	want_ok vdpa dev add name vp0 mgmtdev "pci/$NIC"
	echo "$NIC" > $PCI/drivers/vp-vdpa/unbind
	want_eq "" "$(devices)" devices
	want_refused 1 "No such management device" \
		vdpa mgmtdev show "pci/$NIC"
}

virtio_vdpa_binds() {
	need_nic
	load virtio_vdpa
	load virtio_net
	want_ok vdpa dev add name vp0 mgmtdev "pci/$NIC"
	want_ok vdpa -d dev show vp0
	grep -q "driver virtio_vdpa" "$OUT" || fail "$(cat "$OUT")"
	grep -q "status 0xf" "$OUT" || fail "not DRIVER_OK: $(cat "$OUT")"
	want_ok vdpa dev del vp0
	want_eq "" "$(devices)" devices
}

#
# The card as vp0, its interface in namespace vp
#

card_add() {
	want_ok vdpa dev add name vp0 mgmtdev "pci/$NIC"
}

# The virtio device of a vDPA device is below the one that does the DMA
card_up() {
	interface=$(await_one "$PCI/devices/$NIC/virtio*/net/*") ||
		fail "no network interface"
	want_ok ip link set "${interface##*/}" netns vp name eth0
	want_ok ip -n vp addr add 10.0.2.15/24 dev eth0
	want_ok ip -n vp link set eth0 up
}

need_card() {
	need_nic
	need_driver
	want_ok ip netns add vp
	card_add
	card_up
}

want_card_talks() {
	wait_for ip netns exec vp ping -c 1 -W 2 10.0.2.2
	want_ok ip netns exec vp ping -c 20 -i 0.02 -s 1400 -W 10 10.0.2.2
	grep -q "20 packets received" "$OUT" || { show_run; fail "lost packets"; }
}

# With the bits that the ring library takes of those that the card offers: not
# RING_RESET (40), for which vp_vdpa has no op
card_talks() {
	need_card
	want_card_talks
	features=$(cat "$PCI/devices/$NIC"/virtio*/features)
	want_eq 1 "$(echo "$features" | cut -c 33)" VERSION_1
	want_eq 0 "$(echo "$features" | cut -c 41)" RING_RESET
}

received() {
	ip netns exec vp cat /sys/class/net/eth0/statistics/rx_packets
}

more_received() {
	[ "$(received)" -gt "$1" ]
}

# Three at once, until the card leaves
card_in_traffic() {
	want_card_talks
	traffic=
	before=$(received)
	for _ in 1 2 3; do
		ip netns exec vp ping -i 0.001 -s 1400 10.0.2.2 >/dev/null 2>&1 &
		traffic="$traffic $!"
	done
	wait_for more_received $((before + 500))
}

unbind() {
	echo vp0 > $BUS/drivers/virtio_vdpa/unbind || fail "cannot unbind"
}

bind() {
	echo vp0 > $BUS/drivers/virtio_vdpa/bind || fail "cannot bind"
}

delete() {
	want_ok vdpa dev del vp0
}

unload_driver() {
	unload virtio_vdpa || fail "virtio_vdpa stays loaded"
}

load_driver() {
	want_ok modprobe virtio_vdpa
}

end_parent() {
	echo "$NIC" > $PCI/drivers/vp-vdpa/unbind || fail "cannot unbind $NIC"
	want_eq "" "$(devices)" devices
}

begin_parent() {
	card_to_vp_vdpa || fail "vp_vdpa does not bind"
	card_add
}

pull() {
	echo 1 > "$PCI/devices/$NIC/remove" || fail "cannot remove $NIC"
	want_eq "" "$(devices)" devices
}

plug() {
	echo 1 > $PCI/rescan
	wait_for test -e "$PCI/devices/$NIC/driver"
	begin_parent
}

card_leaves_in_traffic() {
	need_card
	for ways in "unbind bind" "delete card_add" "unload_driver load_driver" \
		    "end_parent begin_parent" "pull plug"; do
		card_in_traffic
		${ways% *}
		for virtio in "$PCI/devices/$NIC"/virtio*; do
			want_no_file "$virtio"
		done
		# shellcheck disable=SC2086
		kill $traffic 2>/dev/null
		${ways#* }
		card_up
	done
	want_card_talks
}

vhost_vdpa_binds() {
	need_nic
	load vhost_vdpa
	want_ok vdpa dev add name vp0 mgmtdev "pci/$NIC"
	want_file "$BUS/devices/vp0/vhost-vdpa-0"
	want_ok vdpa -d dev show vp0
	grep -q "driver vhost_vdpa" "$OUT" || fail "$(cat "$OUT")"
	want_ok vdpa dev del vp0
}

# Through the platform's IOMMU: a VM with -device intel-iommu, intel_iommu=on
vhost_vdpa_maps() {
	need_nic
	[ -e "$PCI/devices/$NIC/iommu_group" ] || skip "no IOMMU"
	load vhost_vdpa
	want_ok vdpa dev add name vp0 mgmtdev "pci/$NIC"
	want_ok env VHOST_TEST_DEVICE=vp0 "$HERE/vhost_test" -t iommu
	want_line "ok 1 global.iommu"
	want_ok vdpa dev del vp0
}

vduse_is_listed() {
	load vduse
	want_ok vdpa mgmtdev show vduse
	want_line "  supported_classes net block"
	want_refused 1 "Management device failed to add the device" \
		vdpa dev add name nodaemon0 mgmtdev vduse type block
	unload vduse
}

run_tests
