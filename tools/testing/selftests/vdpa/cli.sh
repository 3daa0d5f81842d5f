#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Our tool, end to end on our modules: beside iproute2's, byte for byte; what
# it says when it is refused; its JSON; what only it has; the monitor.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=sim_lib.sh
. "$HERE/sim_lib.sh"

IPROUTE2=vdpa-iproute2

TESTS="same_as_iproute2_no_device same_as_iproute2_one_device
       same_as_iproute2_three_devices same_as_iproute2_bus_and_classes
       several_classes_have_no_name_for_a_bit
       same_as_iproute2_bound_device
       same_as_iproute2_however_short changes_as_iproute2
       config_as_iproute2 config_as_iproute2_negotiated vstats_as_iproute2
       list_is_show json_parses json_of_add_and_del details
       config_of_disk config_of_all_classes config_with_features
       vstats_count vstats_queue_types
       set_mac_and_mtu set_all_or_nothing set_link set_link_of_bound_device
       add_long_form add_short_form add_names_itself add_with_attributes
       add_of_class del_of_device names_of_all_kinds
       unknown_words missing_values bad_numbers given_twice help_and_version
       refused_by_the_kernel refused_vstats refused_set
       refused_in_json refused_to_nobody
       features_by_name features_relative features_set
       features_set_of_device_in_use
       created_attributes attributes_of_another_class choice_of_driver
       stats_grow stats_json queues_of_device_in_use queue_out_of_range
       resources_of_devices resources_run_out
       profile_round_trip profile_check_reasons profile_of_a_stranger
       save_and_restore save_what_there_is save_of_namespace
       restore_waits restore_gives_up batch_stops_at_a_line batch_goes_on
       namespace_of_mgmtdev nearest_words
       nothing_in_another_namespace full_disk closed_stdout
       monitor_text monitor_json monitor_timestamp monitor_only_some
       monitor_of_driver monitor_under_load monitor_broken_pipe"

# The drivers of this host would bind to the devices of other tests
RESET=reset_cli
reset_cli() {
	del_namespaces
	reset_all && unload_bus_driver || return 1
	[ ! -d /sys/module/vdpa_sim_blk ] || unload vdpa_sim_blk
}

#
# Beside iproute2
#

# Same output and status of the two tools, in text and JSON. A feature that
# iproute2 of Debian 12 has no name for is the bit that it is.
same() {
	for opts in "" -j -jp; do
		# shellcheck disable=SC2086
		run $IPROUTE2 $opts "$@"
		rc=$RC
		sed 's/\<bit_40\>/RING_RESET/; s/,40\([], ]\)/,"RING_RESET"\1/' \
			"$OUT" > "$OUT.theirs"
		# shellcheck disable=SC2086
		run vdpa $opts "$@"
		want_eq "$rc" "$RC" "exit status of vdpa $opts $*"
		cmp "$OUT.theirs" "$OUT" >/dev/null && continue
		sed 's/^/# theirs: /' "$OUT.theirs"
		sed 's/^/# ours:   /' "$OUT"
		fail "output differs: vdpa $opts $*"
	done
}

same_lists() {
	need_program $IPROUTE2
	same mgmtdev show
	same mgmtdev show $SIM
	same dev show
}

same_as_iproute2_no_device() {
	same_lists
}

same_as_iproute2_one_device() {
	want_ok vdpa dev add name one0 mgmtdev $SIM
	same_lists
	same dev show one0
}

same_as_iproute2_three_devices() {
	for dev in one0 two0 vdpa:0000:03:00.1; do
		want_ok vdpa dev add name $dev mgmtdev $SIM
	done
	same_lists
	same dev show two0
	same dev show vdpa:0000:03:00.1
}

same_as_iproute2_bus_and_classes() {
	mgmt_new onbus bus classes=block
	same_lists
	same mgmtdev show vdpatest/onbus
	mgmt_new plain classes=net,block
	want_ok vdpa dev add name one0 mgmtdev vdpatest/onbus
	want_ok vdpa dev add name two0 mgmtdev plain type block
	same dev show
	same dev show one0
}

# Bit 5 is MAC for net and RO for block; iproute2 says MAC, whatever the class
several_classes_have_no_name_for_a_bit() {
	mgmt_new plain classes=net,block
	want_ok vdpa mgmtdev show plain
	want_line "  supported_classes net block"
	want_line "  dev_features bit_5 VERSION_1 ACCESS_PLATFORM"
}

# What we know and iproute2 does not stays away unless asked for
same_as_iproute2_bound_device() {
	echo 1 > $TEST_DIR/driver
	want_ok vdpa dev add name one0 mgmtdev $SIM
	same_lists
}

# Options in any place, words as short as it takes them
same_as_iproute2_however_short() {
	need_program $IPROUTE2
	want_ok vdpa dev add name one0 mgmtdev $SIM
	want_ok vdpa dev add name two0 mgmtdev $SIM
	for line in "mgmtdev list" "mgmtdev list $SIM" "m s" "mgmt sh $SIM" \
		    "m l" "dev" "d" "dev list" "dev list two0" "d s" "de sh one0" \
		    "d l two0" "dev s" "dev config" "d c" "d co s one0" \
		    "dev conf sh two0" "--pretty dev show --json" "dev -p show -j" \
		    "--js --pr dev show one0" "-pj d s" "dev -- show" \
		    "-j -- dev show two0"; do
		# shellcheck disable=SC2086
		same $line
	done
}

# Of all devices what can be seen of them
seen() {
	vdpa -j dev config show
	vdpa -dj dev config show
	for dev in $(devices); do
		vdpa -j dev show "$dev"
		vdpa dev profile show "$dev"
	done
}

changes_as_iproute2() {
	need_program $IPROUTE2
	mac="mac 02:00:00:00:00:01"
	for line in "dev add name one0 mgmtdev $SIM $mac" \
		    "dev add mgmtdev $SIM $mac name one0" \
		    "dev add $mac mtu 9000 mgmtdev $SIM name one0" \
		    "dev add mtu 1400 max_vqp 3 name one0 $mac mgmtdev $SIM" \
		    "dev add max_vqp 02 mac 2:0:0:0:0:1 name one0 mgmtdev $SIM" \
		    "d a n one0 m $SIM $mac" "dev ad m $SIM na one0 $mac" \
		    "de a max 2 nam one0 mgmt $SIM $mac"; do
		for tool in $IPROUTE2 vdpa; do
			# shellcheck disable=SC2086
			want_ok $tool $line
			want_eq "" "$(cat "$OUT")" "output of $tool"
			seen > "$TMP/$tool"
			want_ok $tool d d one0
			want_eq "" "$(devices)" devices
		done
		grep -q one0 "$TMP/vdpa" || fail "$line: nothing is there"
		want_ok diff "$TMP/$IPROUTE2" "$TMP/vdpa"
	done
}

config_as_iproute2() {
	need_program $IPROUTE2
	same dev config show
	want_ok vdpa dev add name one0 mgmtdev $SIM mac 02:11:22:ab:cd:ef \
		mtu 9000
	want_ok vdpa dev add name two0 mgmtdev $SIM max_vqp 4
	# nothing in its configuration space is valid
	want_ok vdpa dev add name three0 mgmtdev $SIM device_features 0x300000000
	same dev config show
	for dev in one0 two0 three0; do
		same dev config show $dev
	done
	run vdpa dev config show one0
	line="mac 02:11:22:ab:cd:ef link up link_announce false max_vq_pairs 1"
	want_line "one0: $line mtu 9000 "
}

# Its interface, up and down again: what it counted will not change any more
negotiated() {
	need_driver
	add_one "$@"
	want_ok ip -n "vt$2" link set dev "$1" down
}

config_as_iproute2_negotiated() {
	need_program $IPROUTE2
	negotiated a 1 device_features 0x300830028
	negotiated b 2 max_vqp 2
	want_ok vdpa dev add name c mgmtdev $SIM device_features 0x300000000
	same dev config show
	same dev config show a
	run vdpa dev config show a
	want_line "a: mac 02:00:00:00:00:01 link up link_announce false mtu 1500 "
	names="MTU MAC STATUS CTRL_VQ CTRL_MAC_ADDR VERSION_1 ACCESS_PLATFORM"
	want_line "  negotiated_features $names"
}

vstats_as_iproute2() {
	need_program $IPROUTE2
	negotiated a 1
	negotiated b 2 max_vqp 3
	for qidx in 0 1 2; do
		same dev vstats show a qidx $qidx
	done
	for qidx in 0 5 6; do
		same dev vstats show b qidx $qidx
	done
}

list_is_show() {
	want_ok vdpa dev add name one0 mgmtdev $SIM
	for object in dev mgmtdev; do
		want_ok vdpa $object show
		cp "$OUT" "$OUT.show"
		for form in list ""; do
			# shellcheck disable=SC2086
			want_ok vdpa $object $form
			cmp -s "$OUT.show" "$OUT" ||
				fail "vdpa $object $form is not show"
		done
	done
}

#
# JSON
#

want_json() {
	"$HERE/json_check" "$@" < "$OUT" 2>"$ERR" && return
	show_run
	fail "JSON is not as it should be: $*"
}

json_parses() {
	for opts in -j -jp; do
		want_ok vdpa $opts mgmtdev show
		want_json mgmtdev/$SIM/supported_classes/0=net
		want_ok vdpa $opts dev show
		want_json dev=0
	done
	want_ok vdpa dev add name one0 mgmtdev $SIM
	want_ok vdpa dev add name two0 mgmtdev $SIM
	for opts in -j -jp; do
		want_ok vdpa $opts dev show
		want_json dev=2 dev/one0/type=network dev/two0/mgmtdev=$SIM \
			dev/one0/vendor_id=0 dev/one0/max_vq_size=256
		sed 's/^/# /' "$OUT"
		want_ok vdpa $opts dev show two0
		want_json dev=1 dev/two0/type=network
	done
}

json_of_add_and_del() {
	want_ok vdpa -j dev add name one0 mgmtdev $SIM
	want_json dev=1 dev/one0/mgmtdev=$SIM
	want_ok vdpa -j dev add $SIM
	want_json dev=1 dev/vdpa0/mgmtdev=$SIM
	want_ok vdpa -j dev del one0
	want_json dev=0
	want_ok vdpa -jV
	want_json version
}

details() {
	want_ok vdpa dev add name one0 mgmtdev $SIM
	want_ok vdpa -jd dev show one0
	want_json dev/one0/driver=null dev/one0/status=0 dev/one0/min_vq_size
	echo 1 > $TEST_DIR/driver
	want_ok vdpa -jd dev show one0
	want_json dev/one0/driver=$DRIVER dev/one0/status=3
	want_ok vdpa -d dev show one0
	grep -q " driver $DRIVER status 0x3" "$OUT" || fail "$(cat "$OUT")"
}

#
# Configuration space and statistics
#

# iproute2 has nothing to say of it
config_of_disk() {
	need_driver
	modprobe virtio_blk 2>/dev/null
	modprobe vdpa_sim_blk || skip "no vdpa_sim_blk"
	add_disk disk0
	run vdpa -j dev config show disk0
	want_json "config/disk0/capacity=$(cat "/sys/block/$DISK/size")" \
		config/disk0/read_only=false config/disk0/flush=true \
		config/disk0/negotiated_features
	run vdpa dev config show disk0
	grep -q "^disk0: capacity [0-9]* .* read_only false flush true \$" "$OUT" ||
		{ show_run; fail "disk0"; }
	grep -q "^  negotiated_features .*\<FLUSH\>.* VERSION_1 " "$OUT" ||
		{ show_run; fail "negotiated_features"; }
}

config_of_all_classes() {
	modprobe vdpa_sim_blk || skip "no vdpa_sim_blk"
	want_ok vdpa dev add name one0 mgmtdev $SIM
	want_ok vdpa dev add name two0 mgmtdev $BLK
	want_ok vdpa dev add name three0 mgmtdev $SIM
	for opts in -j -jp -jd; do
		want_ok vdpa $opts dev config show
		want_json config=3 config/one0/mac config/two0/capacity \
			config/three0/mtu=1500
		sed 's/^/# /' "$OUT"
	done
}

config_with_features() {
	want_ok vdpa dev add name one0 mgmtdev $SIM device_features 0x300000028
	want_ok vdpa -d dev config show one0
	want_line "  device_features MTU MAC VERSION_1 ACCESS_PLATFORM"
	want_ok vdpa -jd dev config show one0
	want_json config/one0/device_features=4 config/one0/device_features/1=MAC
}

# Sends, and is counted
vstats_count() {
	add_pair
	want_ping
	want_ok vdpa -j dev vstats show b qidx 0
	want_json vstats=1 vstats/b/queue_type=rx "vstats/b/rx errors=0"
	want_ok vdpa dev vstats show b qidx 0
	packets=$(sed -n 's/.* rx packets \([0-9]*\) .*/\1/p' "$OUT")
	[ "${packets:-0}" -ge 3 ] || { show_run; fail "only $packets packets"; }
}

# DEVICE INDEX TYPE COUNTER
want_queue() {
	want_ok vdpa dev vstats show "$1" qidx "$2"
	grep -q "^$1: queue_type $3 $4 [0-9]* .* \$" "$OUT" ||
		{ show_run; fail "queue $2 of $1 is not $3"; }
}

# By what was negotiated, and what the simulator makes of it
vstats_queue_types() {
	negotiated a 1 max_vqp 4
	want_queue a 0 rx "rx packets"
	want_queue a 1 tx "tx packets"
	want_queue a 2 rx "rx packets"
	want_queue a 8 control_vq "cvq requests"
	negotiated b 2 device_features 0x300830028
	want_queue b 1 tx "tx packets"
	want_queue b 2 control_vq "cvq requests"
	unload_bus_driver
	want_queue a 7 tx "tx packets"
	want_queue a 8 control_vq "cvq requests"
	want_queue b 2 control_vq "cvq requests"
}

#
# Changing
#

set_mac_and_mtu() {
	want_ok vdpa dev add name one0 mgmtdev $SIM mtu 9000
	want_ok vdpa dev set one0 mtu 1400 mac 02:00:00:00:00:09
	want_eq "" "$(cat "$OUT")" "output of a set"
	want_ok vdpa -j dev config show one0
	want_json config/one0/mac=02:00:00:00:00:09 config/one0/mtu=1400
	want_ok vdpa -j dev set name one0 mac 02:00:00:00:00:0a
	want_json dev=0
	want_ok vdpa -j dev config show one0
	want_json config/one0/mac=02:00:00:00:00:0a config/one0/mtu=1400
}

set_all_or_nothing() {
	want_ok vdpa dev add name one0 mgmtdev $SIM mac 02:00:00:00:00:01
	want_refused 1 '"67": MTU is below 68' vdpa dev set one0 \
		mac 02:00:00:00:00:02 link down mtu 67
	want_refused 1 '"03:00:00:00:00:02": MAC address is not' \
		vdpa dev set one0 mtu 1400 link down mac 03:00:00:00:00:02
	want_ok vdpa -j dev config show one0
	want_json config/one0/mac=02:00:00:00:00:01 config/one0/mtu=1500 \
		"config/one0/link =up"
}

set_link() {
	want_ok vdpa dev add name one0 mgmtdev $SIM
	for link in down up; do
		want_ok vdpa dev set one0 link $link
		want_ok vdpa -j dev config show one0
		want_json "config/one0/link =$link"
	done
}

# Its driver hears of it
set_link_of_bound_device() {
	add_pair
	want_carrier vt1 a 1
	want_ok vdpa dev set a link down
	want_carrier vt1 a 0
	want_ok vdpa dev set a link up
	want_carrier vt1 a 1
	want_ping
}

#
# Adding and deleting
#

add_long_form() {
	want_ok vdpa dev add name one0 mgmtdev $SIM
	want_eq "" "$(cat "$OUT")" "output of an add"
	want_ok vdpa dev add mgmtdev $SIM name two0
	want_ok vdpa dev add mgmtdev $SIM type net name three0
	want_eq "3" "$(devices | wc -l)" "number of devices"
}

add_short_form() {
	want_ok vdpa dev add $SIM name one0
	want_ok vdpa dev add $SIM type net name two0
	want_eq "2" "$(devices | wc -l)" "number of devices"
}

# Without a name the kernel picks one, which is the user's only way to know
add_names_itself() {
	want_ok vdpa dev add $SIM
	grep -q '^vdpa0: type network ' "$OUT" || fail "said: $(cat "$OUT")"
	want_ok vdpa dev add mgmtdev $SIM
	grep -q '^vdpa1: type network ' "$OUT" || fail "said: $(cat "$OUT")"
	want_file $BUS/devices/vdpa0
	want_file $BUS/devices/vdpa1
}

add_with_attributes() {
	want_ok vdpa dev add name one0 mgmtdev $SIM mac 02:11:22:33:44:55 \
		mtu 9000
	want_ok vdpa dev add name two0 mgmtdev $SIM mtu 68 device_features \
		0x300000028
	want_ok vdpa dev add name three0 mgmtdev $SIM mtu 0x100
}

add_of_class() {
	mgmt_new plain classes=net,block
	want_ok vdpa dev add name one0 mgmtdev plain type block
	want_ok vdpa dev add name two0 mgmtdev plain type net
	want_ok vdpa -j dev show
	want_json dev/one0/type=block dev/two0/type=network
	want_refused 1 '"rng": Class is not supported' \
		vdpa dev add name three0 mgmtdev plain type rng
	want_refused 2 '"nosuch": unknown class' \
		vdpa dev add name three0 mgmtdev plain type nosuch
}

del_of_device() {
	want_ok vdpa dev add name one0 mgmtdev $SIM
	want_ok vdpa dev add name two0 mgmtdev $SIM
	want_ok vdpa dev del one0
	want_ok vdpa dev del name two0
	want_eq "" "$(devices)" devices
}

# Also a name that looks like a keyword, or like an option
names_of_all_kinds() {
	for name in name mgmtdev help show -j -- '*' '\$' "it's"; do
		want_ok vdpa dev add name one0 mgmtdev $SIM
		want_ok vdpa dev del name one0
		want_ok vdpa -- dev add name "$name" mgmtdev $SIM
		want_ok vdpa -- dev show name "$name"
		want_ok vdpa -- dev del name "$name"
	done
	want_eq "" "$(devices)" devices
}

#
# Command lines that make no sense: status 2, and the word is named
#

unknown_words() {
	want_refused 2 '"nosuch": unknown object' vdpa nosuch
	want_refused 2 '"nosuch": unknown command' vdpa dev nosuch
	want_refused 2 '"nosuch": unknown command' vdpa mgmtdev nosuch
	want_refused 2 '"nosuch": unknown argument' \
		vdpa dev add name one0 nosuch mgmtdev $SIM
	want_refused 2 '"nosuch": unknown argument' vdpa dev show one0 nosuch
	want_refused 2 '"nosuch": unknown argument' vdpa dev del one0 nosuch
	want_refused 2 '"nosuch": unknown argument' vdpa monitor nosuch
	want_refused 2 '-x' vdpa -x dev show
	want_refused 2 '--nosuch' vdpa --nosuch dev show
}

missing_values() {
	want_refused 2 'mgmtdev is not given' vdpa dev add name one0
	want_refused 2 'not given' vdpa dev del
	for word in name mtu mac max_vqp device_features type; do
		want_refused 2 "\"$word\": needs a value" \
			vdpa dev add $SIM $word
	done
	want_refused 2 '"mgmtdev": needs a value' vdpa dev add mgmtdev
	for word in mac mtu link max_vqp; do
		want_refused 2 "\"$word\": needs a value" vdpa dev set x $word
	done
	want_refused 2 'nothing to set is given' vdpa dev set x
	want_refused 2 'qidx is not given' vdpa dev vstats show x
	want_refused 2 'name is not given' vdpa dev vstats show qidx 1
	want_refused 2 'no object is given' vdpa
	want_eq "" "$(devices)" devices
}

bad_numbers() {
	# the second is no number, but no option either
	for mtu in x -1 1x "" 65536 99999999999999999999 0x10000 1.5; do
		want_refused 2 "\"$mtu\": " \
			vdpa dev add name one0 mgmtdev $SIM mtu "$mtu"
	done
	for mac in zz 1:2:3:4:5 1:2:3:4:5:6:7 1:2:3:4:5:100 ""; do
		want_refused 2 "\"$mac\": mac must be" \
			vdpa dev add name one0 mgmtdev $SIM mac "$mac"
	done
	for features in x "" 0x 0x10000000000000000; do
		want_refused 2 "\"$features\": device_features must be" \
			vdpa dev add name one0 mgmtdev $SIM \
			device_features "$features"
	done
	for handle in / a/ /a a/b/c ""; do
		want_refused 2 "\"$handle\": not a management device" \
			vdpa dev add name one0 mgmtdev "$handle"
	done
	want_eq "" "$(devices)" devices
}

given_twice() {
	want_refused 2 'name is given twice' \
		vdpa dev add name one0 name two0 mgmtdev $SIM
	want_refused 2 'mgmtdev is given twice' \
		vdpa dev add $SIM name one0 mgmtdev $SIM
}

help_and_version() {
	for words in help "dev help" "mgmtdev help" -h "dev add -h"; do
		# shellcheck disable=SC2086
		want_ok vdpa $words
		grep -q '^Usage: vdpa' "$OUT" || fail "no usage: vdpa $words"
	done
	want_ok vdpa -V
	grep -q '^vdpa utility, version ' "$OUT" || fail "$(cat "$OUT")"
}

#
# Refusals of the kernel: status 1, its text, the word at fault, its errno
#

# refused WORD-AND-TEXT ERRNO-TEXT COMMAND...
refused() {
	text=$1
	errno=$2
	shift 2
	want_refused 1 "$text" "$@"
	grep -qxF "kernel answers: $errno" "$ERR" && return
	show_run
	fail "not said: kernel answers: $errno"
}

refused_by_the_kernel() {
	want_ok vdpa dev add name taken mgmtdev $SIM
	refused '"nosuch": No such management device' "No such device" \
		vdpa dev add name one0 mgmtdev nosuch
	refused '"pci/nosuch": No such management device' "No such device" \
		vdpa dev add name one0 mgmtdev pci/nosuch
	refused '"nosuch": No such management device' "No such device" \
		vdpa mgmtdev show nosuch
	refused '"nosuch": No such device' "No such device" vdpa dev show nosuch
	refused '"nosuch": No such device' "No such device" vdpa dev del nosuch
	refused '"taken": Device name is taken' "File exists" \
		vdpa dev add name taken mgmtdev $SIM
	refused '"": Device name is empty' "Invalid argument" \
		vdpa dev add name "" mgmtdev $SIM
	refused '"a/b": Device name has a character that is not allowed' \
		"Invalid argument" vdpa dev add name a/b mgmtdev $SIM
	refused '"a b": Device name has a character that is not allowed' \
		"Invalid argument" vdpa dev add name "a b" mgmtdev $SIM
	refused '"..": Device name is a path component' "Invalid argument" \
		vdpa dev add name .. mgmtdev $SIM
	refused 'Device name is longer than 63 bytes' "Invalid argument" \
		vdpa dev add name "$(printf '%065d' 0)" mgmtdev $SIM
	refused '"67": MTU is below 68' "Numerical result out of range" \
		vdpa dev add name one0 mgmtdev $SIM mtu 67
	refused '"01:00:5e:00:00:01": MAC address is not a unicast address' \
		"Invalid argument" \
		vdpa dev add name one0 mgmtdev $SIM mac 01:00:5e:00:00:01
	mgmt_new plain
	refused '"1500": Attribute is not supported, but: device_features mac max_vqp' \
		"Operation not supported" \
		vdpa dev add name one0 mgmtdev plain mtu 1500
	refused '"block": Class is not supported by the management device' \
		"Operation not supported" \
		vdpa dev add name one0 mgmtdev $SIM type block
	echo 28 > $SIM_DIR/$SIM/fail_dev_add
	refused 'Management device failed to add the device' \
		"No space left on device" vdpa dev add name one0 mgmtdev $SIM
	want_eq taken "$(devices)" devices
}

refused_vstats() {
	want_ok vdpa dev add name one0 mgmtdev $SIM
	refused '"nosuch": No such device' "No such device" \
		vdpa dev vstats show nosuch qidx 0
	refused '"3": Device has 3 queues' "Invalid argument" \
		vdpa dev vstats show one0 qidx 3
	refused '"4294967295": Device has 3 queues' "Invalid argument" \
		vdpa -j dev vstats show one0 qidx 4294967295
	want_refused 2 '"4294967296": qidx must be a number' \
		vdpa dev vstats show one0 qidx 4294967296
	refused '"nosuch": No such device' "No such device" \
		vdpa dev config show nosuch
}

refused_set() {
	want_ok vdpa dev add name one0 mgmtdev $SIM
	want_ok vdpa dev add name two0 mgmtdev $SIM device_features 0x300000000
	refused '"nosuch": No such device' "No such device" \
		vdpa dev set nosuch mtu 1500
	refused '"67": MTU is below 68' "Numerical result out of range" \
		vdpa dev set one0 mtu 67
	refused '"01:00:5e:00:00:01": MAC address is not a unicast address' \
		"Invalid argument" vdpa dev set one0 mac 01:00:5e:00:00:01
	refused 'Device was made with 1 queue pairs' \
		"Invalid argument" vdpa dev set one0 max_vqp 4
	refused 'needs the feature MTU' "Invalid argument" \
		vdpa dev set two0 mtu 1500
	refused 'needs the feature STATUS' "Invalid argument" \
		vdpa dev set two0 link down
	mgmt_new plain classes=block
	want_ok vdpa dev add name plain0 mgmtdev plain
	refused '"plain0": Device cannot be changed' "Operation not supported" \
		vdpa dev set plain0 mtu 1500
	want_refused 2 '"sideways": link must be up or down' \
		vdpa dev set one0 link sideways
}

# Errors are not on stdout, where a document is expected
refused_in_json() {
	for opts in -j -jp; do
		want_refused 1 '"nosuch": No such device' \
			vdpa $opts dev show nosuch
		want_refused 1 '"nosuch": No such management device' \
			vdpa $opts mgmtdev show nosuch
		want_refused 1 '"nosuch": No such management device' \
			vdpa $opts dev add nosuch
		want_refused 1 '"nosuch": No such device' \
			vdpa $opts dev del nosuch
		want_refused 2 '"nosuch": unknown' vdpa $opts nosuch
	done
}

as_nobody() {
	su -s /bin/sh nobody -c "$*"
}

refused_to_nobody() {
	want_ok vdpa dev add name one0 mgmtdev $SIM
	want_ok as_nobody vdpa dev show
	grep -q '^one0: ' "$OUT" || fail "nobody sees no device"
	want_ok as_nobody vdpa mgmtdev show
	refused 'CAP_NET_ADMIN' "Operation not permitted" \
		as_nobody vdpa dev add name two0 mgmtdev $SIM
	refused 'CAP_NET_ADMIN' "Operation not permitted" \
		as_nobody vdpa dev del one0
	want_ok as_nobody vdpa dev config show
	grep -q '^one0: mac ' "$OUT" || fail "nobody sees no configuration"
	refused 'CAP_NET_ADMIN' "Operation not permitted" \
		as_nobody vdpa dev set one0 mtu 1400
	refused 'CAP_NET_ADMIN' "Operation not permitted" \
		as_nobody vdpa dev vstats show one0 qidx 0
	want_eq one0 "$(devices)" devices
}

nothing_in_another_namespace() {
	want_ok vdpa dev add name one0 mgmtdev $SIM
	want_ok unshare -n vdpa dev show
	[ ! -s "$OUT" ] || fail "seen in another namespace: $(cat "$OUT")"
	refused '"one0": No such device' "No such device" \
		unshare -n vdpa dev show one0
}

full_disk() {
	for opts in "" -j; do
		# shellcheck disable=SC2086
		vdpa $opts mgmtdev show >/dev/full 2>"$ERR"
		RC=$?
		: > "$OUT"
		want_eq 1 $RC "exit status with /dev/full"
		[ -s "$ERR" ] || fail "nothing said about /dev/full"
	done
}

# The netlink socket must not become stdout, or the like
closed_stdout() {
	want_ok vdpa dev add name one0 mgmtdev $SIM
	vdpa dev show >&- 2>"$ERR"
	want_eq 1 $? "exit status without stdout"
	vdpa dev del one0 >&-
	want_eq 0 $? "exit status of a del without stdout"
	want_eq "" "$(devices)" devices
}

#
# Features
#

features_by_name() {
	want_ok vdpa dev add name one0 mgmtdev $SIM \
		device_features MAC,mtu,VERSION_1,ACCESS_PLATFORM
	want_ok vdpa dev features show one0
	want_line "  device_features MTU MAC VERSION_1 ACCESS_PLATFORM"
	want_ok vdpa -j dev features show
	want_json features=1 features/one0/device_features=4 \
		features/one0/device_features/1=MAC \
		features/one0/supported_features
	want_refused 2 '"MTV": unknown feature' \
		vdpa dev add name two0 mgmtdev $SIM device_features MAC,MTV
}

# has NAME: whether one0 offers it
has() {
	vdpa dev features show one0 | grep -q "^  device_features.*\<$1\>"
}

# About what the management device supports
features_relative() {
	want_ok vdpa dev add name one0 mgmtdev $SIM \
		device_features -RING_PACKED,-CTRL_VLAN
	want_ok has MTU
	want_rc 1 has RING_PACKED
	want_rc 1 has CTRL_VLAN
	want_ok vdpa dev features show one0
	grep -q '^  supported_features.* RING_PACKED\>' "$OUT" ||
		{ show_run; fail "supported_features"; }
}

# About what the device offers now
features_set() {
	want_ok vdpa dev add name one0 mgmtdev $SIM device_features -RING_PACKED
	want_ok vdpa dev features set one0 -MTU
	want_rc 1 has MTU
	want_ok vdpa dev set one0 device_features +MTU
	want_ok has MTU
	refused 'Device was not made with all of these features' \
		"Invalid argument" vdpa dev features set one0 +RING_PACKED
	refused '"nosuch": No such device' "No such device" \
		vdpa dev features set nosuch -MTU
}

features_set_of_device_in_use() {
	need_driver
	add_one a 1
	refused 'A driver uses the device: too late to change it so' \
		"Device or resource busy" vdpa dev features set a -MTU
	want_ok vdpa -j dev features show a
	want_json features/a/negotiated_features
	unload_bus_driver
	want_ok vdpa dev features set a -MTU
}

#
# What devices are created with
#

created_attributes() {
	modprobe vdpa_sim_blk || skip "no vdpa_sim_blk"
	want_ok vdpa dev add name one0 mgmtdev $SIM mac 02:00:00:00:00:01 \
		mtu 9000 max_vqp 2 vlan 7 driver none
	want_ok vdpa dev add name two0 mgmtdev $BLK capacity 16M read_only on
	want_ok vdpa dev add name three0 mgmtdev $SIM
	# which is another thing
	want_ok vdpa dev set one0 mtu 1400
	want_ok vdpa -jd dev show
	want_json dev/one0/created=5 dev/one0/created/mac=02:00:00:00:00:01 \
		dev/one0/created/mtu=9000 dev/one0/created/max_vqp=2 \
		dev/one0/created/vlan=7 dev/one0/created/driver=none \
		dev/two0/created=2 dev/two0/created/capacity=32768 \
		dev/two0/created/read_only=true
	want_ok vdpa -j dev config show
	want_json config/one0/mtu=1400 config/two0/capacity=32768 \
		config/two0/read_only=true
}

attributes_of_another_class() {
	modprobe vdpa_sim_blk || skip "no vdpa_sim_blk"
	refused '"5": Attribute is not supported, but: device_features' \
		"Operation not supported" \
		vdpa dev add name one0 mgmtdev $BLK vlan 5
	refused '"4M": Attribute is not supported, but: device_features' \
		"Operation not supported" \
		vdpa dev add name one0 mgmtdev $SIM capacity 4M
	for vlan in 0 4095 x; do
		want_refused 2 "\"$vlan\": vlan must be a number" \
			vdpa dev add name one0 mgmtdev $SIM vlan $vlan
	done
	want_eq "" "$(devices)" devices
}

choice_of_driver() {
	refused '"nosuch": No such bus driver' "No such device" \
		vdpa dev add name one0 mgmtdev $SIM driver nosuch
	echo 1 > $TEST_DIR/driver
	for driver in $DRIVER none; do
		want_ok vdpa dev add name one-$driver mgmtdev $SIM driver $driver
	done
	want_ok vdpa -jd dev show
	want_json dev=2 dev/one-$DRIVER/driver=$DRIVER dev/one-none/driver=null
}

#
# Queues
#

# DEVICE QUEUE COUNTER
count() {
	vdpa dev stats show "$1" qidx "$2" | sed -n "s/^  queue .* $3 \([0-9]*\).*/\1/p"
}

stats_grow() {
	add_pair
	want_ping
	for what in "a 1 kicks" "a 1 bytes" "b 0 completed" "b 0 interrupts"; do
		# shellcheck disable=SC2086
		count $what
	done > "$TMP/before"
	want_ping
	for what in "a 1 kicks" "a 1 bytes" "b 0 completed" "b 0 interrupts"; do
		# shellcheck disable=SC2086
		count $what
	done > "$TMP/after"
	want_eq 4 "$(wc -l < "$TMP/before")" "number of counters"
	paste "$TMP/before" "$TMP/after" | while read -r before after; do
		[ "$after" -gt "$before" ] || fail "from $before to $after"
	done || exit 1
	want_ok vdpa -s dev show a
	grep -q '^  kicks [1-9].* bytes [1-9]' "$OUT" || { show_run; fail "-s"; }
}

# Nobody has to have negotiated anything
stats_json() {
	want_ok vdpa dev add name one0 mgmtdev $SIM max_vqp 2
	want_ok vdpa dev add name two0 mgmtdev $SIM
	want_ok vdpa -j dev stats show
	want_json stats=2 stats/one0/queues=5 stats/one0/resets=0 \
		stats/one0/queues/3/kind=tx stats/one0/queues/3/kicks=0 \
		stats/one0/queues/4/kind=control stats/two0/queues=3 \
		"stats/two0/queues/0/vendor/rx packets=0"
	want_ok vdpa -j dev stats show one0 qidx 3
	want_json stats=1 stats/one0/queues=1 stats/one0/queues/0/index=3
	want_ok vdpa -j -s dev show two0
	want_json dev/two0/statistics/kicks=0 dev/two0/statistics/bytes=0
}

queues_of_device_in_use() {
	need_driver
	add_one a 1
	want_ok vdpa -j dev queue show
	want_json queue/a/state=active queue/a/queues=3 \
		queue/a/queues/0/kind=rx queue/a/queues/0/ready=true \
		queue/a/queues/1/size=256 queue/a/queues/2/kind=control
	want_ok vdpa -jd dev show a
	want_json dev/a/state=active dev/a/driver=virtio_vdpa dev/a/ready_vqs=3
	unload_bus_driver
	want_ok vdpa -j dev queue show a qidx 0
	want_json queue/a/state=inactive queue/a/queues/0/ready=false
}

queue_out_of_range() {
	want_ok vdpa dev add name one0 mgmtdev $SIM
	for object in stats queue; do
		refused '"3": Device has 3 queues' "Invalid argument" \
			vdpa dev $object show one0 qidx 3
		refused '"nosuch": No such device' "No such device" \
			vdpa -j dev $object show nosuch
	done
}

#
# Resources
#

resources_of_devices() {
	want_ok vdpa dev add name one0 mgmtdev $SIM max_vqp 2
	want_ok vdpa dev add name two0 mgmtdev $SIM
	want_ok vdpa -j mgmtdev resource show $SIM
	want_json resource/$SIM/resources/0/name=devices \
		resource/$SIM/resources/0/used=2 \
		resource/$SIM/resources/1/name=queues \
		resource/$SIM/resources/1/used=8
	want_ok vdpa dev del one0
	want_ok vdpa mgmtdev resource show
	want_line "  devices: used 1 unit device"
}

resources_run_out() {
	modprobe vdpa_sim_blk max_devices=2 || skip "no vdpa_sim_blk"
	want_ok vdpa dev add name one0 mgmtdev $BLK capacity 1M
	want_ok vdpa dev add name two0 mgmtdev $BLK capacity 1M
	refused 'Not enough devices: 1 wanted, 0 left' \
		"No space left on device" vdpa dev add name three0 mgmtdev $BLK
	want_ok vdpa mgmtdev resource show $BLK
	want_line "  devices: used 2 size 2 unit device"
	want_line "  memory: used 2097152 unit byte"
	want_ok vdpa dev del one0
	want_ok vdpa dev add name three0 mgmtdev $BLK
}

#
# Profiles
#

# NAME without what is said of which device it is
profile() {
	vdpa dev profile show "$1" | grep -v '^    "name":'
}

profile_round_trip() {
	want_ok vdpa dev add name one0 mgmtdev $SIM mac 02:00:00:00:00:01 \
		mtu 9000 max_vqp 2 vlan 7 device_features -CTRL_VLAN
	want_ok vdpa dev profile show one0
	want_json profile_version=1 type=net max_vqs=5 mtu=9000 vlan=7
	cp "$OUT" "$TMP/one0"
	want_ok vdpa mgmtdev check $SIM profile "$TMP/one0"
	want_line compatible
	want_ok vdpa dev add name two0 mgmtdev $SIM profile "$TMP/one0"
	profile one0 > "$TMP/theirs"
	profile two0 > "$TMP/ours"
	want_ok cmp "$TMP/theirs" "$TMP/ours"
	# a word of the command line is worth more
	want_ok vdpa dev add name three0 mgmtdev $SIM mtu 1400 profile "$TMP/one0"
	want_ok vdpa -j dev config show three0
	want_json config/three0/mtu=1400 config/three0/mac=02:00:00:00:00:01
}

# Each of them is named, of a management device that can do less
profile_check_reasons() {
	want_ok vdpa dev add name one0 mgmtdev $SIM max_vqp 2 vlan 7
	vdpa dev profile show one0 > "$TMP/one0"
	mgmt_new plain classes=net
	want_rc 1 vdpa mgmtdev check plain profile "$TMP/one0"
	grep -q '^device_features: .*(missing .*\<CTRL_VQ\>' "$OUT" ||
		{ show_run; fail "no missing features"; }
	grep -q '^vlan: Attribute is not supported' "$OUT" ||
		{ show_run; fail "no VLAN"; }
	want_rc 1 vdpa -j mgmtdev check plain profile "$TMP/one0"
	want_json check/plain/compatible=false check/plain/reasons/1/key
	modprobe vdpa_sim_blk || skip "no vdpa_sim_blk"
	want_rc 1 vdpa mgmtdev check $BLK profile "$TMP/one0"
	want_line "type: Class is not supported by the management device"
	want_line "max_vqs: Devices have fewer queues (wanted 5 available 1)"
	want_line "resource: Not enough queues left (wanted 5 available 1)"
	want_eq one0 "$(devices)" devices
}

profile_of_a_stranger() {
	echo '{ "profile_version": 1, "type": "net", "mtv": 1 }' > "$TMP/bad"
	want_refused 1 'did you mean "mtu"' \
		vdpa dev add name one0 mgmtdev $SIM profile "$TMP/bad"
	echo '{ "profile_version": 2, "type": "net" }' > "$TMP/bad"
	want_refused 1 '"profile_version": must be 1' \
		vdpa mgmtdev check $SIM profile "$TMP/bad"
	want_eq "" "$(devices)" devices
}

#
# Commands in files
#

save_and_restore() {
	modprobe vdpa_sim_blk || skip "no vdpa_sim_blk"
	want_ok vdpa dev add name one0 mgmtdev $SIM mac 02:00:00:00:00:01 \
		mtu 9000 vlan 7 device_features -CTRL_VLAN
	want_ok vdpa dev add name "it's" mgmtdev $SIM max_vqp 2 driver none
	want_ok vdpa dev add name two0 mgmtdev $BLK capacity 16M read_only on
	want_ok vdpa save
	cp "$OUT" "$TMP/saved"
	for dev in one0 "it's" two0; do
		want_ok vdpa dev del "$dev"
	done
	want_ok vdpa -b "$TMP/saved"
	vdpa save > "$TMP/again"
	want_ok cmp "$TMP/saved" "$TMP/again"
	want_eq 3 "$(wc -l < "$TMP/again")" "number of lines"
	want_ok vdpa save two0
	want_line "dev add name two0 mgmtdev $BLK type block capacity 32768 read_only on"
}

# Also what was changed since devices were made, and a MAC address that came by
# chance
save_what_there_is() {
	modprobe vdpa_sim_blk || skip "no vdpa_sim_blk"
	want_ok vdpa dev add name plain mgmtdev $SIM
	want_ok vdpa dev add name given mgmtdev $SIM mac 02:00:00:00:00:01 \
		mtu 9000 max_vqp 4 vlan 7
	want_ok vdpa dev set given mac 02:00:00:00:00:02 mtu 1400 max_vqp 2 \
		link down
	want_ok vdpa dev add name pairs mgmtdev $SIM max_vqp 4
	want_ok vdpa dev set pairs max_vqp 3
	want_ok vdpa dev add name lessmac mgmtdev $SIM mac 02:00:00:00:00:03
	want_ok vdpa dev features set lessmac -MAC,-CTRL_MAC_ADDR
	want_ok vdpa dev add name lessqueues mgmtdev $SIM mtu 2000 max_vqp 3 \
		device_features -RING_PACKED
	want_ok vdpa dev features set lessqueues \
		-MQ,-MTU,-CTRL_VQ,-CTRL_RX,-CTRL_RX_EXTRA,-CTRL_VLAN,-CTRL_MAC_ADDR,-GUEST_ANNOUNCE
	want_ok vdpa dev add name lessgiven mgmtdev $SIM device_features -MTU
	want_ok vdpa dev features set lessgiven -RING_PACKED
	want_ok vdpa dev add name disk mgmtdev $BLK capacity 16M
	want_ok vdpa dev add name readonly mgmtdev $BLK read_only on
	want_ok vdpa dev add name lessflush mgmtdev $BLK capacity 1M read_only on
	want_ok vdpa dev features set lessflush -FLUSH
	seen > "$TMP/before"
	want_ok vdpa save
	cp "$OUT" "$TMP/saved"
	sed 's/^/# /' "$OUT"
	for dev in $(devices); do
		want_ok vdpa dev del "$dev"
	done
	want_ok vdpa -b "$TMP/saved"
	seen > "$TMP/after"
	want_ok diff "$TMP/before" "$TMP/after"
	# and once more
	vdpa save > "$TMP/again"
	want_ok diff "$TMP/saved" "$TMP/again"
}

save_of_namespace() {
	need_namespaces
	want_ok vdpa dev add name one0 mgmtdev $SIM
	want_ok ip netns add vt1
	want_ok ip netns add vt2
	want_ok vdpa mgmtdev set $SIM netns vt1
	want_ok vdpa -d mgmtdev show $SIM
	want_line "  netns vt1"
	want_ok vdpa -jd mgmtdev show
	want_json mgmtdev/$SIM/netns=vt1
	want_ok vdpa save
	want_line "mgmtdev set $SIM netns vt1"
	cp "$OUT" "$TMP/saved"
	# seen from there it is at home
	want_ok vdpa -n vt1 save
	want_eq 1 "$(wc -l < "$OUT")" "number of lines"
	want_ok vdpa dev del one0
	want_ok vdpa mgmtdev set $SIM netns 1
	want_ok vdpa -b "$TMP/saved"
	want_ok vdpa -n vt1 dev show one0
	want_rc 1 vdpa -n vt2 dev show one0
	# somebody holds on to it, but the name is gone
	ip netns exec vt1 sleep 1000 &
	holder=$!
	wait_for in_namespace $holder
	want_ok ip netns del vt1
	want_ok vdpa save
	grep -q "^# in another network namespace.* mgmtdev set $SIM netns NAME" \
		"$OUT" || { show_run; fail "no comment"; }
	kill $holder
	wait $holder
	return 0
}

# PID
in_namespace() {
	[ "$(readlink "/proc/$1/ns/net")" != "$(readlink /proc/self/ns/net)" ]
}

#
# What systemd runs
#

RESTORE=/usr/lib/vdpa/vdpa-restore

# One of them appears only when the other is waited for
restore_waits() {
	need_program $RESTORE
	need_namespaces
	modinfo vdpa_sim_blk >/dev/null || skip "no vdpa_sim_blk"
	want_ok ip netns add vt1
	cat > "$TMP/devices" <<-END
	mgmtdev set $BLK netns vt1
	dev add name one0 mgmtdev $SIM mtu 9000
	dev add name two0 mgmtdev $BLK capacity 1M
	END
	want_rc 1 vdpa mgmtdev show $BLK
	{ sleep 1; modprobe vdpa_sim_blk; } &
	want_ok $RESTORE "$TMP/devices" 100
	wait
	want_eq "" "$(cat "$ERR")" stderr
	want_ok vdpa -n vt1 dev show two0
	want_ok vdpa dev show one0
	# what is there already is told of, and the rest is done
	want_ok vdpa dev del one0
	want_refused 1 '"two0": Device name is taken' \
		$RESTORE "$TMP/devices" 100
	want_ok vdpa dev show one0
}

restore_gives_up() {
	need_program $RESTORE
	cat > "$TMP/devices" <<-END
	mgmtdev set elsewhere netns 1
	dev add name one0 mgmtdev $SIM
	dev add name two0 mgmtdev nosuch
	END
	want_refused 1 "not there after 1 s: elsewhere nosuch" \
		$RESTORE "$TMP/devices" 1
	for line in 1:..elsewhere 3:..nosuch; do
		grep -q "devices:$line\": No such management device" "$ERR" ||
			{ show_run; fail "line ${line%%:*} is not told of"; }
	done
	want_eq one0 "$(devices)" devices
	want_refused 1 "cannot read $TMP/nosuch" $RESTORE "$TMP/nosuch"
}

three_lines() {
	cat > "$TMP/lines" <<-END
	# the second fails
	dev add name one0 mgmtdev $SIM
	dev add name one0 mgmtdev $SIM
	dev add name two0 mgmtdev $SIM
	END
}

batch_stops_at_a_line() {
	three_lines
	refused "lines:3: \"one0\": Device name is taken" "File exists" \
		vdpa -b "$TMP/lines"
	want_eq one0 "$(devices)" devices
}

batch_goes_on() {
	three_lines
	want_refused 1 "lines:3: \"one0\": Device name is taken" \
		vdpa -force -b "$TMP/lines"
	grep -q '1 of 3 commands failed' "$ERR" || { show_run; fail "not counted"; }
	want_ok test -e $BUS/devices/two0
}

#
# Network namespaces
#

namespace_of_mgmtdev() {
	need_namespaces
	want_ok vdpa dev add name one0 mgmtdev $SIM
	want_ok ip netns add vt1
	want_ok vdpa mgmtdev set $SIM netns vt1
	want_ok vdpa -n vt1 dev add name two0 mgmtdev $SIM
	want_ok vdpa -jn vt1 dev show
	want_json dev=2
	want_ok ip netns exec vt1 vdpa dev show one0
	want_ok vdpa -jd mgmtdev show $SIM
	want_json mgmtdev/$SIM/netnsid
	want_ok vdpa mgmtdev set $SIM netns 1
	refused '"one0": No such device' "No such device" \
		vdpa -n vt1 dev show one0
	refused "\"$SIM\": No such management device" "No such device" \
		vdpa -n vt1 dev add name three0 mgmtdev $SIM
	want_refused 1 '"nosuch": cannot open this network namespace' \
		vdpa mgmtdev set $SIM netns nosuch
}

nearest_words() {
	want_ok vdpa dev add name one0 mgmtdev $SIM
	want_refused 2 '"shw": unknown command, did you mean "show"?' vdpa dev shw
	want_refused 2 '"vln": unknown argument, did you mean "vlan"?' \
		vdpa dev add name two0 mgmtdev $SIM vln 3
	want_refused 1 'Did you mean "one0"?' vdpa dev show one1
	want_refused 1 "Did you mean \"$SIM\"?" \
		vdpa dev add name two0 mgmtdev vdpasim_nt
}

#
# Monitor
#

# Starts it in the background; it is listening when this returns
monitor_start() {
	: > "$ERR"
	vdpa -v "$@" monitor ${MONITOR_ARGS:+"$MONITOR_ARGS"} >"$OUT" \
		2>"$ERR" &
	MONITOR=$!
	until grep -q listening "$ERR"; do
		kill -0 "$MONITOR" 2>/dev/null || fail "$(cat "$ERR")"
		sleep 0.05
	done
}

# Ends it by a signal: what was announced before is shown, and the status is 0
monitor_stop() {
	kill -"${1:-INT}" "$MONITOR"
	wait "$MONITOR"
	want_eq 0 $? "exit status of the monitor"
	want_eq listening "$(cat "$ERR")" "stderr of the monitor"
}

monitor_text() {
	monitor_start
	want_ok_quietly vdpa dev add name one0 mgmtdev $SIM
	mgmt_new plain
	want_ok_quietly vdpa dev add name two0 mgmtdev plain
	mgmt_del plain
	want_ok_quietly vdpa dev del one0
	monitor_stop INT
	sed 's/:.*//' "$OUT" > "$TMP/events"
	cat > "$TMP/want" <<-END
	dev new one0
	mgmtdev new plain
	dev new two0
	dev del two0
	mgmtdev del plain
	dev del one0
	END
	cmp "$TMP/want" "$TMP/events" || { show_run; fail "wrong events"; }
	grep -q "^dev new one0: type network mgmtdev $SIM " "$OUT" ||
		fail "$(head -1 "$OUT")"
}

# Like want_ok, but leaves the files of the monitor alone
want_ok_quietly() {
	"$@" >"$TMP/quiet" 2>&1 || fail "$(cat "$TMP/quiet"): $*"
}

monitor_json() {
	monitor_start -j
	want_ok_quietly vdpa dev add name one0 mgmtdev $SIM
	want_ok_quietly vdpa dev del one0
	# each event is there at once, and complete
	until [ "$(wc -l < "$OUT")" -ge 2 ]; do
		sleep 0.05
	done
	monitor_stop TERM
	want_eq 2 "$("$HERE/json_check" -l < "$OUT")" "documents"
	sed 's/^/# /' "$OUT"
	head -1 "$OUT" | "$HERE/json_check" object=dev event=new name=one0 \
		type=network mgmtdev=$SIM max_vq_size=256 || fail "event 1"
	sed -n 2p "$OUT" | "$HERE/json_check" object=dev event=del name=one0 ||
		fail "event 2"
}

monitor_timestamp() {
	monitor_start -t
	want_ok_quietly vdpa dev add name one0 mgmtdev $SIM
	monitor_stop
	grep -qE '^\[[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+[+-][0-9:]+\] dev new one0' \
		"$OUT" || { show_run; fail "no timestamp"; }
	monitor_start -jt
	want_ok_quietly vdpa dev del one0
	monitor_stop
	want_json timestamp name=one0
}

monitor_only_some() {
	MONITOR_ARGS=mgmtdev
	monitor_start
	mgmt_new plain
	want_ok_quietly vdpa dev add name one0 mgmtdev plain
	mgmt_del plain
	monitor_stop
	want_eq "mgmtdev new
mgmtdev del" "$(cut -d ' ' -f 1,2 "$OUT")" events
	MONITOR_ARGS=dev
	monitor_start
	mgmt_new plain
	want_ok_quietly vdpa dev add name one0 mgmtdev plain
	mgmt_del plain
	monitor_stop
	want_eq "dev new
dev del" "$(cut -d ' ' -f 1,2 "$OUT")" events
}

monitor_of_driver() {
	want_ok vdpa dev add name one0 mgmtdev $SIM
	monitor_start -j
	echo 1 > $TEST_DIR/driver
	monitor_stop
	"$HERE/json_check" -l < "$OUT" >/dev/null || fail "no JSON"
	tail -1 "$OUT" | "$HERE/json_check" object=dev event=change name=one0 \
		driver=$DRIVER status=3 || { show_run; fail "no driver"; }
	monitor_start -j
	echo 0 > $TEST_DIR/driver
	monitor_stop
	tail -1 "$OUT" | "$HERE/json_check" object=dev event=change name=one0 \
		driver=null status=0 || { show_run; fail "still a driver"; }
}

# Nothing is lost, however fast
monitor_under_load() {
	monitor_start
	for i in 1 2 3 4; do
		( for _ in $(seq 25); do
			vdpa dev add name load$i mgmtdev $SIM &&
			vdpa dev del load$i || exit
		done ) &
		eval "load$i=\$!"
	done
	# shellcheck disable=SC2154
	for load in $load1 $load2 $load3 $load4; do
		wait "$load" || fail "add or del failed"
	done
	monitor_stop
	want_eq 200 "$(wc -l < "$OUT")" "number of events"
	want_eq 100 "$(grep -c '^dev new load[1-4]: ' "$OUT")" "number of adds"
	want_eq 100 "$(grep -c '^dev del load[1-4]$' "$OUT")" "number of dels"
}

# Whoever pipes it into something that ends does not leave it behind
monitor_broken_pipe() {
	: > "$ERR"
	{ vdpa -v monitor 2>"$ERR"; echo $? > "$TMP/rc"; } | head -1 > "$OUT" &
	until grep -q listening "$ERR" 2>/dev/null; do
		sleep 0.05
	done
	want_ok_quietly vdpa dev add name one0 mgmtdev $SIM
	# a second event, in case it is told by that only
	want_ok_quietly vdpa dev del one0
	wait
	want_eq 1 "$(wc -l < "$OUT")" lines
	[ "$(cat "$TMP/rc")" -ne 0 ] || fail "the monitor's status is 0"
}

run_tests
