#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# The tests for the kernel's own modules; see run_all.sh

exec "$(dirname "$0")/run_all.sh" stock.sh
