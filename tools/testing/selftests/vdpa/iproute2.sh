#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# iproute2's vdpa tool, as it is, on our kernel side.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=sim_lib.sh
. "$HERE/sim_lib.sh"

RESET=reset_iproute2
reset_iproute2() {
	del_namespaces
	reset_all && unload_bus_driver
}

IPROUTE2=vdpa-iproute2

TESTS="mgmtdev_show dev_life dev_show_json attributes bus_handle
       longest_name bound_device many_devices
       config_show config_show_negotiated vstats_show
       refusals names_refused permission namespace"

theirs() {
	need_program $IPROUTE2
	want_ok $IPROUTE2 "$@"
}

# their ERRNO-TEXT COMMAND...: status 1, and what the kernel answered
their_refusal() {
	need_program $IPROUTE2
	errno=$1
	shift
	want_refused 1 "kernel answers: $errno" $IPROUTE2 "$@"
}

mgmtdev_show() {
	theirs mgmtdev show
	want_line "$SIM: "
	want_line "  supported_classes net"
	theirs mgmtdev show $SIM
	want_line "$SIM: "
	theirs -j mgmtdev show
	"$HERE/json_check" mgmtdev/$SIM/supported_classes/0=net < "$OUT" ||
		fail "$(cat "$OUT")"
}

dev_life() {
	theirs dev show
	want_eq "" "$(cat "$OUT")" "dev show without devices"
	theirs dev add name life0 mgmtdev $SIM
	want_file $BUS/devices/life0
	theirs dev show
	grep -qE "^life0: type network mgmtdev $SIM vendor_id 0 max_vqs [0-9]+ max_vq_size 256\$" \
		"$OUT" || { show_run; fail "dev show"; }
	theirs dev show life0
	theirs dev del life0
	want_no_file $BUS/devices/life0
	their_refusal "No such device" dev show life0
}

dev_show_json() {
	theirs dev add name json0 mgmtdev $SIM
	theirs dev add name json1 mgmtdev $SIM
	theirs -jp dev show
	"$HERE/json_check" dev=2 dev/json0/type=network \
		dev/json1/mgmtdev=$SIM dev/json1/max_vq_size=256 < "$OUT" ||
		fail "$(cat "$OUT")"
}

attributes() {
	theirs dev add name attr0 mgmtdev $SIM mac 02:11:22:33:44:55 mtu 9000
	theirs dev add name attr1 mgmtdev $SIM mtu 68
	want_file $BUS/devices/attr1
}

bus_handle() {
	mgmt_new onbus bus classes=block
	theirs mgmtdev show vdpatest/onbus
	want_line "vdpatest/onbus: "
	want_line "  supported_classes block"
	theirs dev add name bus0 mgmtdev vdpatest/onbus
	theirs dev show bus0
	grep -q "^bus0: type block mgmtdev vdpatest/onbus " "$OUT" ||
		fail "$(cat "$OUT")"
	their_refusal "No such device" dev add name bus1 mgmtdev onbus
}

# It keeps 64 bytes for a name, and aborts if there are more
longest_name() {
	name=$(printf '%063d' 0)
	theirs dev add name "$name" mgmtdev $SIM
	theirs dev show
	grep -q "^$name: type network" "$OUT" || fail "$(cat "$OUT")"
	theirs dev show "$name"
	theirs dev del "$name"
	for length in 64 65 70 200; do
		name=$(printf "%0${length}d" 0)
		their_refusal "Invalid argument" dev add name "$name" \
			mgmtdev $SIM
		theirs dev show
	done
}

# What we tell and it does not know does not disturb it
bound_device() {
	echo 1 > $TEST_DIR/driver
	theirs dev add name bound0 mgmtdev $SIM
	want_eq $DRIVER "$(link_name $BUS/devices/bound0/driver)" driver
	theirs dev show
	grep -qE '^bound0: type network .* max_vq_size 256$' "$OUT" ||
		fail "$(cat "$OUT")"
	theirs -j dev show bound0
	"$HERE/json_check" dev/bound0=5 < "$OUT" || fail "$(cat "$OUT")"
	theirs dev del bound0
}

# More than one chunk of a dump
many_devices() {
	for i in $(seq 100); do
		vdpa dev add name "many$i" mgmtdev $SIM || fail "add $i"
	done
	theirs dev show
	want_eq 100 "$(grep -c '^many[0-9]*: type network' "$OUT")" devices
}

config_show() {
	theirs dev config show
	want_eq "" "$(cat "$OUT")" "dev config show without devices"
	theirs dev add name conf0 mgmtdev $SIM mac 02:11:22:33:44:55 mtu 9000
	theirs dev config show conf0
	line="mac 02:11:22:33:44:55 link up link_announce false max_vq_pairs 1"
	want_line "conf0: $line mtu 9000 "
	want_eq 1 "$(wc -l < "$OUT")" "lines without a driver"
	mgmt_new plain classes=block
	theirs dev add name plain0 mgmtdev plain
	theirs dev add name conf1 mgmtdev $SIM
	theirs -j dev config show
	"$HERE/json_check" config=3 config/conf0/mtu=9000 config/plain0=0 \
		"config/conf0/link =up" "config/conf0/link_announce =false" \
		config/conf1/mtu=1500 < "$OUT" || fail "$(cat "$OUT")"
}

config_show_negotiated() {
	need_driver
	theirs dev add name conf0 mgmtdev $SIM
	netdev conf0 >/dev/null
	theirs -j dev config show conf0
	"$HERE/json_check" config/conf0/negotiated_features/0=MTU < "$OUT" ||
		fail "$(cat "$OUT")"
	theirs dev config show conf0
	grep -q '^  negotiated_features MTU MAC .* VERSION_1 ACCESS_PLATFORM' \
		"$OUT" || fail "$(cat "$OUT")"
}

# theirs_queue INDEX TYPE COUNTER
theirs_queue() {
	theirs dev vstats show stat0 qidx "$1"
	grep -q "^stat0: queue_type $2 $3 [0-9]* .* \$" "$OUT" ||
		{ show_run; fail "queue $1 is not $2"; }
}

vstats_show() {
	need_driver
	theirs dev add name stat0 mgmtdev $SIM
	netdev stat0 >/dev/null
	theirs_queue 0 rx "rx packets"
	theirs_queue 1 tx "tx packets"
	theirs_queue 2 control_vq "cvq requests"
	# a failure it only tells of
	run $IPROUTE2 dev vstats show stat0 qidx 3
	grep -qF "Device has 3 queues" "$ERR" || { show_run; fail "no text"; }
}

refusals() {
	theirs dev add name taken mgmtdev $SIM
	their_refusal "No such device" dev add name x mgmtdev nosuch
	their_refusal "No such device" dev add name x mgmtdev pci/nosuch
	their_refusal "No such device" mgmtdev show nosuch
	their_refusal "No such device" dev show nosuch
	their_refusal "No such device" dev del nosuch
	their_refusal "File exists" dev add name taken mgmtdev $SIM
	their_refusal "Numerical result out of range" \
		dev add name x mgmtdev $SIM mtu 67
	mgmt_new plain
	their_refusal "Operation not supported" \
		dev add name x mgmtdev plain mtu 1500
	# what mainline lets pass
	their_refusal "Invalid argument" \
		dev add name x mgmtdev $SIM mac 01:00:5e:00:00:01
	their_refusal "Invalid argument" \
		dev add name x mgmtdev $SIM mac 00:00:00:00:00:00
	# and the text that the kernel gives comes out
	run $IPROUTE2 dev add name taken mgmtdev $SIM
	grep -qF "Device name is taken" "$ERR" || { show_run; fail "no text"; }
	run $IPROUTE2 dev add name x mgmtdev nosuch
	grep -qF "No such management device" "$ERR" ||
		{ show_run; fail "no text"; }
	want_eq taken "$(devices)" devices
}

names_refused() {
	for name in "" a/b "a b" . .. "$(printf 'a\tb')" "$(printf 'a\377')"; do
		their_refusal "Invalid argument" dev add name "$name" \
			mgmtdev $SIM
	done
	want_eq "" "$(devices)" devices
}

permission() {
	theirs dev add name perm0 mgmtdev $SIM
	want_ok su -s /bin/sh nobody -c "$IPROUTE2 dev show"
	grep -q '^perm0: ' "$OUT" || fail "nobody sees no device"
	want_ok su -s /bin/sh nobody -c "$IPROUTE2 mgmtdev show"
	want_refused 1 "kernel answers: Operation not permitted" \
		su -s /bin/sh nobody -c \
		"$IPROUTE2 dev add name perm1 mgmtdev $SIM"
	want_refused 1 "kernel answers: Operation not permitted" \
		su -s /bin/sh nobody -c "$IPROUTE2 dev del perm0"
}

# Where nothing was moved to there is nothing
namespace() {
	need_program $IPROUTE2
	want_ok unshare -n $IPROUTE2 dev show
	[ ! -s "$OUT" ] || fail "seen in another namespace: $(cat "$OUT")"
}

run_tests
