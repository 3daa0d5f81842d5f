#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Our tool on the kernel's own modules: to be run by run_stock.sh where ours
# are not installed. It must do all that these can, and say what they cannot.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"

IPROUTE2=vdpa-iproute2

TESTS="own_modules same_as_iproute2 json_parses
       add_without_daemon add_without_name add_refused
       unknown_objects permission
       monitor_is_lacking no_family"

# No simulator there, and no test module: nothing to reset but what is loaded
RESET=reset_stock
reset_stock() {
	modprobe vduse
}

own_modules() {
	case $(modinfo -n vdpa) in
	*/kernel/*)	;;
	*)		fail "vdpa is not the kernel's own: $(modinfo -n vdpa)" ;;
	esac
}

same_as_iproute2() {
	for object in "mgmtdev show" "mgmtdev show vduse" "dev show" \
		      "mgmtdev show nosuch" "dev show nosuch"; do
		for opts in "" -j -jp; do
			# shellcheck disable=SC2086
			run $IPROUTE2 $opts $object
			rc=$RC
			mv "$OUT" "$OUT.theirs"
			# shellcheck disable=SC2086
			run vdpa $opts $object
			want_eq "$rc" "$RC" "exit status of vdpa $opts $object"
			# its empty document besides an error is not for us
			[ "$rc" -eq 0 ] || { : > "$OUT.theirs"; }
			cmp -s "$OUT.theirs" "$OUT" && continue
			sed 's/^/# theirs: /' "$OUT.theirs"
			sed 's/^/# ours:   /' "$OUT"
			fail "output differs: vdpa $opts $object"
		done
	done
	want_ok vdpa mgmtdev show
	want_line "vduse: "
}

json_parses() {
	want_ok vdpa -j mgmtdev show
	sed 's/^/# /' "$OUT"
	"$HERE/json_check" mgmtdev/vduse/supported_classes/0=net \
		mgmtdev/vduse/supported_classes/1=block < "$OUT" ||
		fail "$(cat "$OUT")"
	want_ok vdpa -j dev show
	"$HERE/json_check" dev=0 < "$OUT" || fail "$(cat "$OUT")"
}

# Refused by the kernel, which does not say why: the errno at least
add_without_daemon() {
	want_refused 1 "kernel answers: Invalid argument" \
		vdpa dev add name nodaemon0 mgmtdev vduse
	want_refused 1 "kernel answers: Invalid argument" \
		vdpa -j dev add name nodaemon0 mgmtdev vduse
	want_eq "" "$(devices)" devices
}

add_without_name() {
	want_refused 1 "give one: name NAME" vdpa dev add vduse
}

add_refused() {
	want_refused 1 "kernel answers: Operation not supported" \
		vdpa dev add name x mgmtdev vduse max_vqp 2
	want_refused 1 "kernel answers: Numerical result out of range" \
		vdpa dev add name x mgmtdev vduse mtu 67
}

unknown_objects() {
	want_refused 1 "kernel answers: No such device" \
		vdpa mgmtdev show nosuch
	want_refused 1 "kernel answers: No such device" \
		vdpa dev add name x mgmtdev nosuch
	want_refused 1 "kernel answers: No such device" vdpa dev show nosuch
	want_refused 1 "kernel answers: No such device" vdpa dev del nosuch
}

permission() {
	want_ok su -s /bin/sh nobody -c "vdpa mgmtdev show"
	want_line "vduse: "
	want_refused 1 "kernel answers: Operation not permitted" \
		su -s /bin/sh nobody -c "vdpa dev add name x mgmtdev vduse"
}

monitor_is_lacking() {
	want_refused 1 'no group "monitor"' vdpa monitor
	want_refused 1 'no group "monitor"' vdpa -j monitor
}

no_family() {
	for module in vduse vhost_vdpa virtio_vdpa vdpa; do
		[ -d /sys/module/$module ] || continue
		want_ok rmmod $module
	done
	want_refused 1 'modprobe vdpa' vdpa mgmtdev show
	want_refused 1 'modprobe vdpa' vdpa -j dev show
	want_refused 1 'modprobe vdpa' vdpa monitor
}

run_tests
