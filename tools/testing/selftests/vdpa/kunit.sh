#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The KUnit suites of our modules ran when these were loaded: how did they end?

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

RESULTS=/sys/kernel/debug/kunit
SUITES="vdpa_registry vdpa_ring virtio_vdpa"
TESTS="suites"

suites() {
	[ -d $RESULTS ] || skip "this kernel has no KUnit"
	want_ok modprobe vdpa_ring
	# not loaded before: it binds to all that other tests make
	load virtio_vdpa || fail "no module virtio_vdpa"
	for suite in $SUITES; do
		[ -e $RESULTS/$suite/results ] ||
			fail "the modules have no suite $suite"
		sed 's/^/# /' $RESULTS/$suite/results
		grep -q "^ok .* $suite" $RESULTS/$suite/results ||
			fail "$suite failed"
	done
	unload virtio_vdpa || fail "virtio_vdpa stays loaded"
}

run_tests
