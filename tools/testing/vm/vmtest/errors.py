# SPDX-License-Identifier: GPL-2.0
"""What makes a run fail for reasons that are not the command's own."""


class VmError(Exception):
    """The run cannot start, or did not come to a verdict; the text says why."""
