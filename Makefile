# SPDX-License-Identifier: GPL-2.0
#
# vDPA for Linux: builds the modules out of tree, the tool and the tests. See
# `make help`. (Kbuild is what the kernel's own build reads.)

MAKEFLAGS += --no-print-directory

# The kernel build tree; empty: the newest installed headers of Linux 6.12.
KDIR ?=
PREFIX ?= /usr/local
DESTDIR ?=
# Options of tools/testing/vm/run, for the targets vm, shell and fuzz.
VMFLAGS ?=
# Options of tools/bench/run
BENCHFLAGS ?=

MODULES_CONFIG := CONFIG_VDPA=m CONFIG_VDPA_RING=m CONFIG_VDPA_SIM=m CONFIG_VDPA_SIM_NET=m \
	CONFIG_VDPA_SIM_BLOCK=m CONFIG_VHOST_VDPA=m CONFIG_VIRTIO_VDPA=m CONFIG_VDPA_SELFTEST=m \
	CONFIG_VDPA_BENCH=m
SELFTESTS := tools/testing/selftests/vdpa
VM_RUN := tools/testing/vm/run
FAST_LANES := uml-kernel fast fast-shell fast-tool fast-faults fast-kunit fast-ynl
DEBUG_LANES := build debug-kernel $(FAST_LANES) debug vendor fuzz-debug coverage

# The text of CMD as it was typed, dollar signs and all.
export VM_COMMAND := $(value CMD)
export KDIR

# Empty, or the -j that this make was not given.
jobs = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))
kernel_tree = kdir=$$(tools/build/kdir "$(KDIR)")
kbuild = $(kernel_tree) && $(MAKE) $(jobs) -C "$$kdir" M=$(CURDIR) $(MODULES_CONFIG)
release = $$(cat "$$kdir/include/config/kernel.release")
installed = "$(DESTDIR)/lib/modules/$(release)/updates/vdpa"
# A package's own scripts do it where it is unpacked.
depmod = $(if $(DESTDIR),:,PATH=$$PATH:/usr/sbin:/sbin depmod "$(release)")

all: modules tools

help:
	@echo 'Targets:'
	@echo '  all          modules and tools (the default)'
	@echo '  modules      the kernel modules'
	@echo '  tools        the command line tool, tools/vdpa/vdpa'
	@echo '  tests        what `make check` runs in the VM'
	@echo '  demo         builds all, boots a VM and shows the tool at work there'
	@echo '  check        builds all, then every test and static check there is;'
	@echo '               ONLY="LANE..." picks from: $(shell tools/build/check --list)'
	@echo '  check-debug  the part of it that runs on a kernel with KASAN, lockdep'
	@echo '               and fault injection'
	@echo '  coverage     the same, and shows which part of each file of drivers/vdpa ran'
	@echo '  fuzz         sends messages, mostly broken ones, to a kernel in a VM until it is'
	@echo '               stopped or finds something: then what led there is in build/fuzz;'
	@echo '               on the kernel that check-debug built, if it did'
	@echo '  check-fast   the same kernel as a program of this host, in User Mode Linux:'
	@echo '               selftests, unit tests, DPDK and QEMU, for after each edit'
	@echo '  check-kcsan  what runs in several threads, on a kernel that detects data races'
	@echo '  bench        measures this beside Linux 6.12'"'"'s own: instructions in QEMU,'
	@echo '               time in User Mode Linux, and the tool beside iproute2'"'"'s in'
	@echo '               valgrind; see tools/bench/run --help;'
	@echo '               BENCHFLAGS=... are options of it, such as --quick'
	@echo '  intree TREE=DIR  lays the subsystem over a Linux 6.12 source tree;'
	@echo '               without TREE over a copy of Debian'"'"'s'
	@echo '  shell        builds all and gives a shell in a VM'
	@echo '  vm CMD=TEXT  builds all and runs a shell command in a VM'
	@echo '  setup        installs what is missing on the host; if not root, says how'
	@echo '  install      modules into updates/vdpa, the tool, its man pages'
	@echo '  uninstall    removes these'
	@echo '  clean        removes what was built'
	@echo
	@echo 'Variables:'
	@echo '  KDIR=DIR     the kernel build tree; now: $(or $(shell tools/build/kdir "$(KDIR)" 2>&1))'
	@echo '  PREFIX=DIR, DESTDIR=DIR  where to install (PREFIX: $(PREFIX))'
	@echo '  VMFLAGS=...  options for vm, shell and fuzz, see $(VM_RUN) --help'
	@echo '  W=1, C=1, V=1  more warnings, sparse, verbose: as in the kernel'

setup:
	@tools/build/setup check

modules:
	@tools/build/setup --tell build
	+@$(kbuild) modules

tools:
	@tools/build/setup --tell build
	+@$(MAKE) -C tools/vdpa

tests: modules selftests

selftests:
	+@ksrc=$$(tools/build/kernel-source) && \
	$(MAKE) $(jobs) -C $(SELFTESTS) KSFT_DIR="$$ksrc/tools/testing/selftests"

demo:
	@tools/build/setup vm
	+@$(MAKE) all
	@$(VM_RUN) --timeout 120 --file tools/testing/vm/demo.sh:/usr/bin/demo -- demo

check:
	@tools/build/setup check
	+@tools/build/check $(ONLY)

check-debug:
	@tools/build/setup check
	+@tools/build/check $(DEBUG_LANES)

coverage: check-debug
	@sed -n 's/^# //p; s/^ok [0-9]* //p; s/^not ok [0-9]* /NOT: /p' build/check/coverage.log

fuzz:
	@tools/build/setup check
	+@$(MAKE) modules
	@tools/testing/fuzz/run-netlink --hunt $(VMFLAGS)

check-fast:
	@tools/build/setup check
	+@$(MAKE) tools selftests
	+@tools/build/check $(FAST_LANES) fast-clients

check-kcsan:
	@tools/build/setup check
	+@$(MAKE) tools selftests
	+@tools/build/check kcsan-kernel kcsan

bench:
	@tools/build/setup check
	@tools/bench/run $(BENCHFLAGS)

intree:
	@tools/build/setup check
	@tools/build/intree $(TREE)

shell: all
	@$(VM_RUN) $(VMFLAGS) --shell

vm: all
	@$(if $(VM_COMMAND),,$(error usage: make vm CMD='COMMAND'))
	@$(VM_RUN) $(VMFLAGS) -- "$$VM_COMMAND"

install: all
	@$(kernel_tree) && dir=$(installed) && mkdir -p "$$dir" && \
	find drivers -name '*.ko' -exec install -m 644 -t "$$dir" {} + && $(depmod)
	+@$(MAKE) -C tools/vdpa install PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)"

uninstall:
	@$(kernel_tree) && dir=$(installed) && $(RM) -r "$$dir" && $(depmod)
	+@$(MAKE) -C tools/vdpa uninstall PREFIX="$(PREFIX)" DESTDIR="$(DESTDIR)"

clean:
	+@$(kbuild) clean
	+@$(MAKE) -C tools/vdpa clean
	+@$(MAKE) -C $(SELFTESTS) clean
	@$(RM) -r build

.PHONY: all bench help setup modules tools tests selftests demo check check-debug check-fast check-kcsan \
	coverage fuzz intree shell vm install uninstall clean
