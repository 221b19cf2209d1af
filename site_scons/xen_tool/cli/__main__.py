# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Run the command xen-tool, as `python -m xen_tool.cli`."""

import sys

from . import main

sys.exit(main())
