# SPDX-License-Identifier: GPL-2.0-only OR MIT
"""A pytest plugin: with CI=true, a test that was skipped or failed as expected fails the run."""

from __future__ import annotations

import os

import pytest


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    if exitstatus == pytest.ExitCode.OK and _skipped(session.config):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if skipped := _skipped(config):
        terminalreporter.section("skipped although CI=true", red=True)
        for name in skipped:
            terminalreporter.line(name)


def _skipped(config: pytest.Config) -> list[str]:
    reporter: pytest.TerminalReporter | None = config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") != "true" or reporter is None:
        return []
    reports = [r for kind in ("skipped", "xfailed") for r in reporter.stats.get(kind, [])]
    return [str(report.nodeid) for report in reports]
