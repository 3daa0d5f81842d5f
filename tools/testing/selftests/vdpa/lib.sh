# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# For the shell tests: each is a list of functions, and each function is one
# test, run in a subshell of its own from a state without devices.
#
#	TESTS="one two"
#	one() { want_ok vdpa dev add ...; }
#	...
#	run_tests
#
# The program runs all of TESTS, or those named on its command line.
#
# RESET names another function that brings that state about, AT_END one to call
# after the last test.

HERE=$(cd "$(dirname "$0")" && pwd)

# shellcheck disable=SC2034
SIM=vdpasim_net
# shellcheck disable=SC2034
DRIVER=vdpa_test_driver
BUS=/sys/bus/vdpa
TEST_DIR=/sys/kernel/debug/vdpa_test
SIM_DIR=/sys/kernel/debug/vdpa_sim

NAMED=$*

TMP=$(mktemp -d)
trap 'rm -rf "$TMP"' EXIT
OUT=$TMP/out
ERR=$TMP/err

for helpers in "$HERE/../kselftest/ktap_helpers.sh" "$HERE/ktap_helpers.sh"; do
	[ -e "$helpers" ] && break
done
# shellcheck disable=SC1090
. "$helpers"

# Our tool is what all of them are about, or need
if ! command -v vdpa >/dev/null; then
	ktap_print_header
	ktap_skip_all "no program vdpa"
	exit 4
fi

msg() {
	printf '# %s\n' "$*"
}

# Ends the test
fail() {
	msg "$*"
	exit 1
}

# Ends it, too: something is lacking that no patch here can bring
skip() {
	msg "$*"
	exit 4
}

#
# What is there
#

need_program() {
	command -v "$1" >/dev/null || skip "no program $1"
}

load() {
	[ -d "/sys/module/$1" ] && return
	if [ -e "$HERE/modules/$1.ko" ]; then
		insmod "$HERE/modules/$1.ko"
	else
		modprobe "$@"
	fi
}

# Waits for users of a module that are about to leave
unload() {
	for _ in $(seq 100); do
		rmmod "$1" 2>"$TMP/rmmod" && return
		sleep 0.05
	done
	cat "$TMP/rmmod"
	return 1
}

devices() {
	ls -A $BUS/devices
}

mgmt_new() {
	echo "$*" > $TEST_DIR/new_mgmtdev || fail "cannot make mgmtdev $*"
}

mgmt_del() {
	echo "$1" > $TEST_DIR/del_mgmtdev
}

knobs_off() {
	for knob in add_delay_ms del_delay_ms fail_dev_add fail_late_add \
		    fail_reset; do
		echo 0 > "$SIM_DIR/$SIM/$knob"
	done
}

reset_all() {
	load vdpa_sim_net && load vdpa_test || return 1
	echo 0 > $TEST_DIR/driver
	echo 1 > $BUS/drivers_autoprobe
	knobs_off
	for knob in "$TEST_DIR"/*/add_delay_ms; do
		[ -e "$knob" ] && mgmt_del "$(basename "$(dirname "$knob")")"
	done
	devices | while read -r dev; do
		vdpa dev del name "$dev"
	done
	[ -z "$(devices)" ]
}

#
# Expectations
#

# Runs a command; its output, errors and status are in $OUT, $ERR and $RC
run() {
	"$@" >"$OUT" 2>"$ERR"
	RC=$?
}

show_run() {
	sed 's/^/# stdout: /' "$OUT"
	sed 's/^/# stderr: /' "$ERR"
}

want_rc() {
	rc=$1
	shift
	run "$@"
	[ "$RC" -eq "$rc" ] && return
	show_run
	fail "exit status $RC, not $rc: $*"
}

want_ok() {
	want_rc 0 "$@"
}

# want_refused STATUS TEXT COMMAND...: nothing on stdout, TEXT on stderr
want_refused() {
	rc=$1
	text=$2
	shift 2
	want_rc "$rc" "$@"
	[ -s "$OUT" ] && { show_run; fail "something on stdout: $*"; }
	grep -qF -- "$text" "$ERR" && return
	show_run
	fail "not on stderr: \"$text\": $*"
}

want_eq() {
	[ "$1" = "$2" ] || fail "${3:-value}: \"$2\", not \"$1\""
}

want_line() {
	grep -qxF -- "$1" "$OUT" || { show_run; fail "no line \"$1\""; }
}

want_file() {
	[ -e "$1" ] || fail "there is no $1"
}

want_no_file() {
	[ -e "$1" ] && fail "there still is $1"
	return 0
}

# The link's last component, "" without a link
link_name() {
	basename "$(readlink "$1" 2>/dev/null)" 2>/dev/null
}

#
# Running
#

run_tests() {
	for test in $NAMED; do
		for known in $TESTS; do
			[ "$test" != "$known" ] || continue 2
		done
		# shellcheck disable=SC2086
		echo "${0##*/}: no test $test; there are" $TESTS >&2
		exit 1
	done
	# shellcheck disable=SC2086
	set -- ${NAMED:-$TESTS}
	ktap_print_header
	ktap_set_plan $#
	clean=
	for test in "$@"; do
		# as the last one left it, if that was well
		if [ -z "$clean" ] && ! "${RESET:-reset_all}"; then
			msg "cannot begin $test"
			ktap_test_fail "$test"
			continue
		fi
		( "$test" )
		rc=$?
		# also after one that was skipped: it may have found out late
		if "${RESET:-reset_all}"; then
			clean=y
		else
			clean=
			[ $rc -eq 4 ] || { msg "$test left something behind"; rc=1; }
		fi
		case $rc in
		0)	ktap_test_pass "$test" ;;
		4)	ktap_test_skip "$test" ;;
		*)	ktap_test_fail "$test" ;;
		esac
	done
	# which ends the program
	"${AT_END:-:}"
	ktap_finished
}
