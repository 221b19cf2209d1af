# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""`python -m xen_tool.cli`: the command xen-tool."""

import sys

from . import main

sys.exit(main())
