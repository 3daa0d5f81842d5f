#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# A tour of the tool, inside the VM: every line after a prompt is run as it
# stands, and what follows it is what it printed. Ends in failure if a command
# did not do what the tour says.

# What stands in single quotes is shown before it is run.
# shellcheck disable=SC2016

set -u

broken=0

say()
{
	printf '\n# %s\n' "$*"
}

complain()
{
	echo "demo: $*" >&2
	broken=1
}

# show COMMAND [STATUS [TEXT]] - shows the command, runs it, and sees to it that
# it ends with STATUS (0) and that TEXT is in its output.
show()
{
	local status wanted=${2:-0} text=${3:-} output

	echo "\$ $1"
	output=$(eval "$1" 2>&1)
	status=$?
	[ -z "$output" ] || printf '%s\n' "$output"
	[ "$status" -eq "$wanted" ] || complain "exit status $status, not $wanted: $1"
	[[ $output == *"$text"* ]] || complain "no \"$text\" in the output of: $1"
}

# start_monitor COMMAND - shows and starts it; returns when it listens. The tool
# says so under -v only, so that is added to what is shown.
start_monitor()
{
	echo "\$ $1 >events &"
	# Without job control, the shell would have it ignore SIGINT.
	set -m
	eval "exec ${1/vdpa /vdpa -v }" >events 2>listening &
	monitor=$!
	set +m
	for _ in $(seq 100); do
		[ -s listening ] && return
		sleep 0.1
	done
	complain "the monitor does not listen"
}

# wait_for TEXT - until the monitor has seen that.
wait_for()
{
	for _ in $(seq 100); do
		grep -q "$1" events && return
		sleep 0.1
	done
	complain "the monitor saw no \"$1\""
}

cd /tmp || exit 1

say "A stock kernel, with the modules of this tree:"
show 'uname -sr'
show 'lsmod | grep vdpa' 0 vdpa_sim_net

say "What can create devices:"
show 'vdpa mgmtdev show' 0 vdpasim_net

say "From here on, watch:"
start_monitor 'vdpa monitor'

say "Create a device; and one for which the kernel finds a name:"
show 'vdpa dev add name net0 mgmtdev vdpasim_net mac 02:00:00:00:00:01 mtu 9000'
show 'vdpa dev add vdpasim_net' 0 'vdpa0: '

say "What there is now, for people and for programs:"
show 'vdpa dev show' 0 'net0: type network mgmtdev vdpasim_net'
show 'vdpa -jp dev show net0' 0 '"net0": {'
show 'ls /sys/bus/vdpa/devices' 0 net0

say "Features have names; one that is not wanted is left out:"
show 'vdpa dev features set net0 -RING_PACKED,-MRG_RXBUF'
show 'vdpa dev features show net0' 0 'device_features MTU MAC STATUS'

say "A refusal says what was wrong, and what was probably meant:"
show 'vdpa dev add name net1 mgmtdev vdpasim_net vln 7' 2 'did you mean "vlan"'
show 'vdpa dev add name net1 mgmtdev nosuch' 1 nosuch
show 'vdpa dev add name net0 mgmtdev vdpasim_net' 1 net0
show 'vdpa dev add name net1 mgmtdev vdpasim_net mtu 67' 1 67

say "iproute2's own tool works, too:"
show 'vdpa-iproute2 dev show' 0 'net0: type network'

say "Delete them:"
show 'vdpa dev del net0'
show 'vdpa dev del vdpa0'
show 'vdpa dev show'

say "What the monitor saw meanwhile:"
wait_for 'del vdpa0'
kill -INT "$monitor"
wait "$monitor" || complain "the monitor ended with exit status $?"
show 'cat events' 0 'new net0'

say "Use devices in this host: two with a cable between them, in two namespaces:"
show 'modprobe -a virtio_net virtio_vdpa'
show 'vdpa dev add name left mgmtdev vdpasim_net mac 02:00:00:00:00:01'
show 'vdpa dev add name right mgmtdev vdpasim_net mac 02:00:00:00:00:02'
show 'echo left right >/sys/kernel/debug/vdpa_sim/vdpasim_net/peer'
address=1
for side in left right; do
	show "ip netns add $side"
	show "ip link set dev \$(ls /sys/bus/vdpa/devices/$side/virtio*/net) netns $side name eth0"
	show "ip -n $side addr add 10.0.0.$((address++))/24 dev eth0"
	show "ip -n $side link set dev eth0 up"
done
show 'ip netns exec left ping -c 3 10.0.0.2' 0 '3 packets received'

say "What their driver made of them:"
show 'vdpa dev config show left' 0 'link up'
show 'vdpa -d dev show left' 0 'driver virtio_vdpa'

say "What went through their queues, in sum and through one, and its state:"
show 'vdpa -s dev show' 0 'kicks'
show 'vdpa -d dev stats show left qidx 1' 0 'queue 1 tx: kicks'
show 'vdpa dev queue show left qidx 1' 0 'ready true'

say "Change one while it is in use:"
show 'vdpa dev set left link down mtu 1400'
show 'ip netns exec right ping -c 1 -W 1 10.0.0.1 >/dev/null' 1
show 'vdpa dev set left link up'
show 'ip netns exec right ping -c 1 10.0.0.1' 0 '1 packets received'

say "A disk, and a file system on it:"
show 'modprobe virtio_blk; modprobe vdpa_sim_blk max_devices=2'
show 'vdpa dev add name disk0 mgmtdev vdpasim_blk'
show 'mke2fs -q /dev/vda'
show 'mount /dev/vda /mnt'
show 'echo "it was written to vdpa" >/mnt/file; umount /mnt; mount /dev/vda /mnt; cat /mnt/file' \
	0 'it was written to vdpa'

say "Another one, for a program; what there is of disks here is used up then:"
show 'vdpa dev add name disk1 mgmtdev vdpasim_blk capacity 64M read_only on driver none'
show 'vdpa mgmtdev resource show vdpasim_blk' 0 'devices: used 2 size 2'
show 'vdpa dev add name disk2 mgmtdev vdpasim_blk' 1 'Not enough devices'

say "Could a device like one be made elsewhere, say for a guest that moves there?"
show 'vdpa dev profile show right >right.profile'
show 'vdpa mgmtdev check vdpasim_net profile right.profile' 0 compatible
show 'vdpa mgmtdev check vdpasim_blk profile right.profile' 1 'max_vqs: '

say "Devices as commands, which bring them back, at boot for example:"
show 'umount /mnt; vdpa dev del disk0'
show 'vdpa save | tee devices' 0 'dev add name disk1 '
show 'for dev in left right disk1; do vdpa dev del $dev; done; vdpa dev show'
show 'vdpa -b devices; vdpa dev show' 0 'disk1: '

exit "$broken"
