# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""Measure the emission of the head object in-process against `gcc -c` on the same source.

    python tests/bench/head_object.py [ROUNDS]

Both run in turn, in one process, for the largest 64-bit configuration; the
result is the median of the ratios of the pairs.  Status 1 if emission takes
more than a third of gcc's time.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "site_scons"))

from xen_tool.abi import X86_64
from xen_tool.files import write_if_changed
from xen_tool.head import emit, gas
from xen_tool.head.config import HeadConfig

AT_MOST = 1 / 3


def main() -> int:
    """Print medians and their ratio."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    symbols = {"XEN": "y", "XEN_PV": "y", "SMP": "y", "STACK_VALIDATION": "y"}
    config = HeadConfig.from_symbols(X86_64, symbols)
    assert config is not None
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder, "xen-head.S")
        source.write_text(gas.source(config))
        command = ["gcc", "-c", "-o", str(Path(folder, "gas.o")), str(source)]

        def emitted() -> None:
            target = Path(folder, "emitted.o")
            target.unlink(missing_ok=True)
            write_if_changed(target, emit.emit(config))

        def assembled() -> None:
            subprocess.run(command, check=True)

        # The first emission imports keystone.
        first = _seconds(emitted)
        _seconds(assembled)
        pairs = [(_seconds(emitted), _seconds(assembled)) for _ in range(rounds)]
    ratio = statistics.median(ours / gccs for ours, gccs in pairs)
    print(f"emission   {statistics.median(ours for ours, _ in pairs) * 1000:7.2f} ms")
    print(f"gcc -c     {statistics.median(gccs for _, gccs in pairs) * 1000:7.2f} ms")
    print(f"ratio      {ratio:7.2f}    (medians of {rounds} pairs; at most {AT_MOST:.2f})")
    print(f"the first emission, with the import of keystone: {first * 1000:.2f} ms")
    return 0 if ratio <= AT_MOST else 1


def _seconds(function: Callable[[], None]) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main())
