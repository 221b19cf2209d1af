# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""`-j N` bounds the steps of plans and the other builders of a tree together."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path

import pytest

from project import Project

JOB = """#!/bin/sh
# The first job of each kind goes on when one of the other kind has begun.
kind=$1 other=$2
shift 2
echo "+$kind" >>log
if mkdir "first-$kind" 2>/dev/null; then
    for _ in $(seq 1000); do
        ! grep -q "+$other" log || break
        sleep 0.02
    done
fi
sleep 0.05
"$@"
status=$?
echo "-$kind" >>log
exit $status
"""
CC = """#!/bin/sh
case " $* " in
    *' -c '*' of_'*) exec ./job step task gcc "$@" ;;
esac
exec gcc "$@"
"""
REST = """
from subprocess import check_call

def job(target, source, env):
    check_call(["./job", "task", "step", "touch", *map(str, target)])

others = Environment(tools=[])
for number in range(3):
    Default(env.Command(f"made/by-command-{number}", [], "./job task step touch $TARGET"))
    Default(others.Command(f"made/by-others-{number}", [], "./job task step touch $TARGET"))
    Default(env.Command(f"made/by-function-{number}", [], job))
for name in ("k", "l"):
    image = env.XenImage(name, Glob(f"of_{name}/*.c"), script="k.lds", loaders=[])
    env.AddPostAction(image, "./job task step true")
    Default(image)
"""


@pytest.mark.usefixtures("each_scons")
@pytest.mark.parametrize("jobs", [2, 3])
def test_no_more_jobs_run_than_are_allowed(tmp_path: Path, jobs: int) -> None:
    project = Project(tmp_path)
    project.write_small(REST)
    for path, text in (("job", JOB), ("cc", CC)):
        project.write(path, text).chmod(0o755)
    for number in range(4):
        for image in "kl":
            project.write(f"of_{image}/{image}{number}.c", f"int {image}{number};\n")
    project.scons(f"-j{jobs}", f"CC={tmp_path / 'cc'}")
    log = (tmp_path / "log").read_text().split()
    begun = [log.count("+step"), log.count("+task")]
    assert begun == [8, 11]
    assert max(accumulate(1 if line[0] == "+" else -1 for line in log)) <= jobs
    step = accumulate((line == "+step") - (line == "-step") for line in log)
    task = accumulate((line == "+task") - (line == "-task") for line in log)
    assert any(both[0] and both[1] for both in zip(step, task, strict=True))
