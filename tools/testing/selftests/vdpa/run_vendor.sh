#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The tests for drivers of Linux 6.12 on our core, for a VM with a spare card,
# behind an IOMMU, and with qemu-storage-daemon:
#
#	run --kernel debug --mem 3072 --append intel_iommu=on --qemu
#	    '-netdev user,id=net0,restrict=on -device intel-iommu
#	    -device virtio-net-pci,netdev=net0,disable-legacy=on,
#	    iommu_platform=on,romfile=' --file /usr/bin/qemu-storage-daemon
#	    -- /selftests/vdpa/run_vendor.sh

exec "$(dirname "$0")/run_all.sh" vendor.sh vduse.sh
