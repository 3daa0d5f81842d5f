#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Parents and bus drivers of Linux 6.12, built unchanged on our core: they must
# run on it. Wants a kernel with their modules, and a virtio network card on
# PCI that nothing else uses; see run_vendor.sh.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

PCI=/sys/bus/pci
TESTS="lists_its_handle adds_and_deletes unbinding_takes_all_with_it
       virtio_vdpa_binds vhost_vdpa_binds vhost_vdpa_maps vduse_is_listed"

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
	for module in virtio_vdpa vhost_vdpa vp_vdpa; do
		[ -d /sys/module/$module ] || continue
		unload $module || return 1
	done
	load vp_vdpa || return 1
	[ -n "$NIC" ] || return 0
	[ -e "$PCI/devices/$NIC/driver" ] &&
		echo "$NIC" > "$PCI/devices/$NIC/driver/unbind"
	echo vp-vdpa > "$PCI/devices/$NIC/driver_override"
	echo "$NIC" > $PCI/drivers_probe
	[ -e "$PCI/drivers/vp-vdpa/$NIC" ] && [ -z "$(devices)" ]
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
