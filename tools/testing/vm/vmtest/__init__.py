# SPDX-License-Identifier: GPL-2.0
"""The parts of the VM runner, one object each: see ../run."""
