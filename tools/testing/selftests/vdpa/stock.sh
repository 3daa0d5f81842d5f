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
       unknown_objects set_of_more_than_mac permission
       config_of_vduse set_of_vduse vstats_of_vduse save_of_vduse
       monitor_is_lacking no_family"

# No simulator there, and no test module: nothing to reset but what is loaded,
# and devices that programs make
RESET=reset_stock
reset_stock() {
	modprobe vduse
	for pid in "$TMP"/*.pid; do
		[ ! -e "$pid" ] || remove_vduse "$(basename "$pid" .pid)"
	done
}

# NAME WORD...: as vduse_daemon takes them
add_vduse() {
	want_ok "$HERE/vduse_daemon" serve "$@"
	mv "$OUT" "$TMP/$1.pid"
	want_ok vdpa dev add name "$1" mgmtdev vduse
}

remove_vduse() {
	vdpa dev del "$1"
	kill "$(cat "$TMP/$1.pid")"
	rm "$TMP/$1.pid"
	for _ in $(seq 100); do
		"$HERE/vduse_daemon" destroy "$1" 2>/dev/null && return
		sleep 0.05
	done
}

own_modules() {
	case $(modinfo -n vdpa) in
	*/kernel/*)	;;
	*)		fail "vdpa is not the kernel's own: $(modinfo -n vdpa)" ;;
	esac
}

# COMMAND...: each is one argument
same() {
	for object in "$@"; do
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
}

same_as_iproute2() {
	same "mgmtdev show" "mgmtdev show vduse" "dev show" "dev config show" \
	     "mgmtdev show nosuch" "dev show nosuch" "dev config show nosuch"
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
	want_refused 1 "kernel answers: No such device" \
		vdpa dev vstats show nosuch qidx 0
	want_refused 1 "kernel answers: No such device" \
		vdpa dev set nosuch mac 02:00:00:00:00:01
}

# Its kernel would pass over them
set_of_more_than_mac() {
	want_refused 1 '"1500": this kernel cannot set mtu' \
		vdpa dev set nosuch mac 02:00:00:00:00:01 mtu 1500
	want_refused 1 '"down": this kernel cannot set link' \
		vdpa -j dev set nosuch link down
}

permission() {
	want_ok su -s /bin/sh nobody -c "vdpa mgmtdev show"
	want_line "vduse: "
	want_refused 1 "kernel answers: Operation not permitted" \
		su -s /bin/sh nobody -c "vdpa dev add name x mgmtdev vduse"
}

# Each byte of configuration space is 0x33; MAC, STATUS and MTU
config_of_vduse() {
	add_vduse net0 features 0x10028 config 24 fill 0x33
	same "dev config show" "dev config show net0"
	want_ok vdpa dev config show
	want_line "net0: mac 33:33:33:33:33:33 link up link_announce true mtu 13107 "
	add_vduse disk0 block features 0x1240 config 60 fill 0x33
	want_ok vdpa -j dev config show
	"$HERE/json_check" config=2 config/disk0/num_queues=13107 \
		config/disk0/blk_size=858993459 config/disk0/flush=true \
		config/disk0/capacity=3689348814741910323 < "$OUT" ||
		fail "$(cat "$OUT")"
	want_ok vdpa -d dev config show disk0
	want_line "  device_features BLK_SIZE FLUSH MQ VERSION_1 ACCESS_PLATFORM"
}

set_of_vduse() {
	add_vduse net0 features 0x28 config 24
	want_refused 1 "kernel answers: Operation not supported" \
		vdpa dev set net0 mac 02:00:00:00:00:01
}

vstats_of_vduse() {
	add_vduse net0
	want_refused 1 "kernel answers: Operation not supported" \
		vdpa dev vstats show net0 qidx 0
}

# Which takes nothing at creation: what is saved can be had again
save_of_vduse() {
	add_vduse net0 features 0x28 config 24 fill 0x02
	want_ok vdpa -j dev config show net0
	"$HERE/json_check" config/net0/mac=02:02:02:02:02:02 < "$OUT" ||
		fail "$(cat "$OUT")"
	add_vduse disk0 block features 0x1260 config 60 fill 0x02
	want_ok vdpa save
	grep -q '^# this kernel tells neither' "$OUT" ||
		{ show_run; fail "no remark"; }
	want_line "dev add name net0 mgmtdev vduse"
	want_line "dev add name disk0 mgmtdev vduse"
	want_eq 3 "$(wc -l < "$OUT")" "number of lines"
	cp "$OUT" "$TMP/saved"
	want_ok vdpa dev del net0
	want_ok vdpa dev del disk0
	want_ok vdpa -b "$TMP/saved"
	want_ok vdpa dev show net0
	want_ok vdpa dev show disk0
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
