# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""`python .../one_step.py PLAN OUTPUT...`: run the step of a stored plan that makes the outputs.

It is the command in build.ninja for the steps whose action is a function: CONFIG, HEAD and CHECK.
"""

from __future__ import annotations

import os
import sys

if __name__ == "__main__":
    # Python has put the folder of this file there; imports need the folder of xen_tool.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from xen_tool.build import stored
from xen_tool.errors import XenToolError, print_message
from xen_tool.files import remove
from xen_tool.functions import functions


def main(file: str, output: str, *_others: str) -> int:
    """Run the step that makes an output, by the plan in a file; return the exit status."""
    plan = stored.read(file)
    if plan is None or output not in plan.steps:
        print_message(f"{file} does not say how {output} is made")
        return 1
    step = plan.steps[output]
    try:
        functions(plan)[step.action](step)
    except XenToolError as error:
        # Old outputs must not pass for the result.
        for name in step.outputs:
            remove(name)
        print_message(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
