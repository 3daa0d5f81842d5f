#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Packets through simulated devices of class net, with the kernel's own driver.

# shellcheck source=lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=sim_lib.sh
. "$HERE/sim_lib.sh"

TESTS="loops_by_default ping_peer ping_split_ring ping_bare ping_jumbo
       ping_jumbo_without_merging too_long_for_the_receiver
       counts_in_traffic tcp tcp_split_ring tcp_multiqueue vlan port_vlan
       port_vlan_jumbo other_address filters
       nobody_home cable link_down_at_del del_in_traffic unload_in_traffic
       peer_refuses pairs_refused"

STATS=$SIM_DIR/$SIM/stats

# Features as hexadecimal numbers, MQ and the like included only in the first
SPLIT=0x8000000330bf8028
BARE=0x300010028

RESET=reset_net
AT_END=unload_bus_driver
reset_net() {
	del_namespaces
	reset_all
}

# CONNECTIONS BYTES
want_stream() {
	in2 "$HERE/stream" listen 7000 "$1" > "$TMP/listen" 2>&1 &
	listener=$!
	for _ in $(seq 100); do
		in2 grep -q ":1B58 .* 0A" /proc/net/tcp && break
		sleep 0.05
	done
	want_ok in1 "$HERE/stream" send 10.9.0.2 7000 "$1" "$2"
	wait $listener || { cat "$TMP/listen"; fail "not all arrived"; }
	want_eq $(($1 * $2)) "$(cat "$TMP/listen")" "bytes received"
}

loops_by_default() {
	need_driver
	add_one a 1
	want_eq "a a" "$(cat "$PEER")" peer
	before=$(counter a "rx packets")
	in1 ping -c 2 -i 0.1 -W 1 10.9.0.77 >/dev/null
	# its own questions who has that address
	[ "$(counter a "rx packets")" -gt "$before" ] || fail "nothing came back"
	want_eq 0 "$(counter b "rx packets")" "packets of nobody"
}

ping_peer() {
	add_pair
	want_ping
}

ping_split_ring() {
	add_pair device_features $SPLIT
	want_ping
}

# No control queue, merging, indirect descriptors, event index
ping_bare() {
	add_pair device_features $BARE
	want_ping
}

ping_jumbo() {
	add_pair mtu 9000
	want_ping -s 8900
}

ping_jumbo_without_merging() {
	add_pair mtu 9000 device_features $BARE
	want_ping -s 8900
}

too_long_for_the_receiver() {
	need_driver
	add_one a 1 mtu 9000
	add_one b 2 mtu 1500
	echo "a b" > "$PEER"
	want_ping -s 1400
	in1 ping -c 2 -i 0.1 -W 1 -s 4000 10.9.0.2 >/dev/null &&
		fail "more than the MTU went through"
	[ "$(counter b "rx errors")" -ge 2 ] || fail "not counted as errors"
	want_ping
}

counts_in_traffic() {
	add_pair
	background_stream
	want_growth a
	want_growth b
	end_stream
}

tcp() {
	add_pair
	want_stream 1 8000000
}

tcp_split_ring() {
	add_pair device_features $SPLIT
	want_stream 2 4000000
}

tcp_multiqueue() {
	add_pair max_vqp 4
	want_eq 9 "$(grep -c "^a " "$STATS")" "queues of a"
	want_stream 16 500000
	used=$(grep -c "^a .* tx packets [1-9][0-9][0-9]" "$STATS")
	# each CPU has one of its own
	[ "$(grep -c ^processor /proc/cpuinfo)" = 1 ] || [ "$used" -gt 1 ] ||
		{ cat "$STATS"; fail "$used queues used"; }
	want_eq 0 "$(counter a "tx errors")" "tx errors"
	want_eq 0 "$(counter b "cvq errors")" "cvq errors"
}

vlan() {
	add_pair
	for i in 1 2; do
		dev=$(echo $i | tr 12 ab)
		ip -n vt$i link add link "$dev" name v5 type vlan id 5 \
			2>"$ERR" || skip "no VLANs: $(cat "$ERR")"
		want_ok ip -n vt$i addr add 10.9.5.$i/24 dev v5
		want_ok ip -n vt$i link set dev v5 up
	done
	want_ok in1 ping -c 2 -i 0.1 -W 10 10.9.5.2
	# one that the other end does not know
	want_ok ip -n vt1 link add link a name v6 type vlan id 6
	want_ok ip -n vt1 addr add 10.9.6.1/24 dev v6
	want_ok ip -n vt1 link set dev v6 up
	before=$(counter b "rx filtered")
	in1 ping -c 2 -i 0.1 -W 1 10.9.6.2 >/dev/null
	[ "$(counter b "rx filtered")" -gt "$before" ] || fail "not filtered"
}

# a is at an access port, b, which knows of VLANs, at a trunk
want_port_vlan() {
	ip -n vt2 link add link b name v7 type vlan id 7 2>"$ERR" ||
		skip "no VLANs: $(cat "$ERR")"
	want_ok ip -n vt2 addr del 10.9.0.2/24 dev b
	want_ok ip -n vt2 addr add 10.9.0.2/24 dev v7
	want_ok ip -n vt2 link set dev v7 up
	want_ping "$@"
}

port_vlan() {
	need_driver
	add_one a 1 vlan 7
	add_one b 2
	echo "a b" > "$PEER" || fail "cannot connect"
	# without its tag b is not meant, nor is a
	before=$(counter a "rx filtered")
	in2 ping -c 2 -i 0.1 -W 1 10.9.0.1 >/dev/null && fail "reached without a tag"
	[ "$(counter a "rx filtered")" -gt "$before" ] || fail "not filtered"
	want_port_vlan
	# two of the same VLAN reach each other, of another one they do not
	for vlan in 7 8; do
		ip netns del vt2
		want_ok vdpa dev del b
		add_one b 2 vlan $vlan
		echo "a b" > "$PEER" || fail "cannot connect"
		[ $vlan = 8 ] || want_ping
	done
	in1 ping -c 2 -i 0.1 -W 1 10.9.0.2 >/dev/null && fail "VLAN 7 reaches VLAN 8"
	# who tags what is tagged already is not heard
	want_ok ip -n vt1 link add link a name v9 type vlan id 9
	want_ok ip -n vt1 addr add 10.9.9.1/24 dev v9
	want_ok ip -n vt1 link set dev v9 up
	before=$(counter b "rx filtered")
	in1 ping -c 2 -i 0.1 -W 1 10.9.9.2 >/dev/null
	[ "$(counter b "rx filtered")" -gt "$before" ] || fail "not filtered"
}

# Tags come and go also where a packet fills several buffers
port_vlan_jumbo() {
	need_driver
	add_one a 1 mtu 9000 vlan 7
	add_one b 2 mtu 9000
	echo "a b" > "$PEER" || fail "cannot connect"
	want_port_vlan -s 8000
}

other_address() {
	add_pair
	want_ok ip -n vt2 link set dev b down
	want_ok ip -n vt2 link set dev b address 02:aa:bb:cc:dd:ee
	want_ok ip -n vt2 link set dev b up
	want_ping
	want_eq 0 "$(counter b "cvq errors")" "cvq errors"
}

# Static neighbours make it send to an address that is not the receiver's
filters() {
	add_pair
	want_ok ip -n vt1 neigh replace 10.9.0.2 lladdr 02:00:00:00:00:99 dev a
	before=$(counter b "rx filtered")
	in1 ping -c 2 -i 0.1 -W 1 10.9.0.2 >/dev/null && fail "it came through"
	[ "$(counter b "rx filtered")" -ge $((before + 2)) ] || fail "not filtered"
	want_ok ip -n vt2 link set dev b promisc on
	before=$(counter b "rx packets")
	in1 ping -c 2 -i 0.1 -W 1 10.9.0.2 >/dev/null
	[ "$(counter b "rx packets")" -ge $((before + 2)) ] ||
		fail "promiscuous, but it does not get all"
}

# A driver that takes nothing does not stop the sender
nobody_home() {
	add_pair
	want_ping
	want_ok ip -n vt2 link set dev b down
	want_ok ip -n vt1 neigh replace 10.9.0.2 lladdr 02:00:00:00:00:02 dev a
	in1 ping -c 600 -i 0.001 -W 1 10.9.0.2 >/dev/null
	[ "$(counter b "rx overruns")" -gt 0 ] || { cat "$STATS"; fail "no overrun"; }
	want_ok ip -n vt2 link set dev b up
	want_ping
}

cable() {
	add_pair
	want_eq "a b
b a" "$(cat "$PEER")" peer
	echo a > "$PEER"
	want_eq "a
b" "$(cat "$PEER")" "peer, unplugged"
	want_carrier vt1 a 0
	want_carrier vt2 b 0
	echo "b b" > "$PEER"
	want_carrier vt2 b 1
	want_carrier vt1 a 0
	echo "b  a" > "$PEER"
	want_carrier vt1 a 1
	want_ping
	want_eq 0 "$(counter a "cvq errors")" "cvq errors"
}

link_down_at_del() {
	add_pair
	want_ping
	want_ok vdpa dev del a
	want_carrier vt2 b 0
	want_eq b "$(cat "$PEER")" peer
	add_one c 1
	echo "c b" > "$PEER"
	want_carrier vt2 b 1
	want_ping
}

del_in_traffic() {
	add_pair max_vqp 2
	background_stream
	want_ok vdpa dev del a
	want_ok vdpa dev del b
	end_stream
	want_eq "" "$(devices)" devices
}

unload_in_traffic() {
	add_pair
	background_stream
	want_ok rmmod vdpa_sim_net
	end_stream
	want_eq "" "$(devices)" devices
}

peer_refuses() {
	want_ok vdpa dev add name a mgmtdev $SIM
	for line in "" "a nosuch" "nosuch a" nosuch "a a a" "$(printf '%0200d' 0)"; do
		if (echo "$line" > "$PEER") 2>/dev/null; then
			fail "\"$line\" was accepted"
		fi
	done
	want_eq "a a" "$(cat "$PEER")" peer
}

pairs_refused() {
	want_refused 1 "not from 1 to 16" \
		vdpa dev add name a mgmtdev $SIM max_vqp 17
	want_refused 1 "needs the feature MQ" \
		vdpa dev add name a mgmtdev $SIM max_vqp 2 device_features $BARE
	# MQ without CTRL_VQ
	want_refused 1 "lacks another one that it needs" \
		vdpa dev add name a mgmtdev $SIM device_features 0x300400020
	want_ok vdpa dev add name a mgmtdev $SIM max_vqp 16
	want_ok vdpa dev show a
	grep -q "max_vqs 33" "$OUT" || { show_run; fail "not 33 queues"; }
}

run_tests
