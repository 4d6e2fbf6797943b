"""Cron expressions are read as cron reads them."""

import shutil
import subprocess
from datetime import datetime, timezone

import pytest

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.schedule.cron import Cron

WEDNESDAY = datetime(2026, 11, 25, 12, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def _in_utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")


def _times(expression, count):
    times, moment = [], WEDNESDAY
    for _ in range(count):
        moment = Cron(expression).after(moment)
        times.append(moment.strftime("%a %d %b %H:%M"))
    return times


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 3 * * 1", ["Mon 30 Nov 03:00", "Mon 07 Dec 03:00"]),
        ("0 3 * * MON", ["Mon 30 Nov 03:00", "Mon 07 Dec 03:00"]),
        ("0 3 * * 7", ["Sun 29 Nov 03:00", "Sun 06 Dec 03:00"]),
        ("0 3 * * 0", ["Sun 29 Nov 03:00", "Sun 06 Dec 03:00"]),
        ("0 3 * * 5-7", ["Fri 27 Nov 03:00", "Sat 28 Nov 03:00", "Sun 29 Nov 03:00", "Fri 04 Dec 03:00"]),
        ("*/20 * * * *", ["Wed 25 Nov 12:20", "Wed 25 Nov 12:40", "Wed 25 Nov 13:00"]),
        ("5/30 13 * * *", ["Wed 25 Nov 13:05", "Wed 25 Nov 13:35", "Thu 26 Nov 13:05"]),
        ("0 0 1 jan-feb *", ["Fri 01 Jan 00:00", "Mon 01 Feb 00:00"]),
        # Both days named: either will do.
        ("0 6 1 * 5", ["Fri 27 Nov 06:00", "Tue 01 Dec 06:00", "Fri 04 Dec 06:00"]),
        ("0 6 */2 * 5", ["Fri 27 Nov 06:00", "Fri 11 Dec 06:00"]),
    ],
)
def test_the_times_are_those_of_cron(expression, expected):
    assert _times(expression, len(expected)) == expected


def test_sunday_is_0_for_schedulers_that_do_not_know_7():
    assert Cron("0  3 * * 7").portable == "0 3 * * 0"
    assert Cron("0 3 * * 6-7").portable == "0 3 * * 0,6"
    assert Cron("0 3 * jan Mon-Fri").portable == "0 3 * jan Mon-Fri"


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("0 3 * *", "it has 4 fields"),
        ("@daily", "it has 1 fields"),
        ("61 * * * *", "the minute is '61', and it goes from 0 to 59"),
        ("0 3 * * someday", "the weekday is 'someday'"),
        ("0 3 * * 5-1", "runs backwards"),
        ("0 3,, * * *", "the hour is ''"),
        ("*/0 * * * *", r"the minute is '\*/0'"),
        ("0 3 31 2 *", "names a day that never comes"),
    ],
)
def test_what_is_no_cron_expression_is_refused_with_the_reason(expression, why):
    with pytest.raises(HeadstartError, match=why):
        Cron(expression)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
@pytest.mark.parametrize(
    "expression",
    [
        "0 3 * * 1",
        "*/20 * * * *",
        "0 6 1 * 5",
        "30 2-6/2 1,15 mar-jun *",
        "* * * * *",
        "0 0 29 2 *",
        "5 4 * * 5-7",
    ],
)
def test_systemd_finds_the_same_times(expression):
    cron = Cron(expression)
    expected, moment = [], datetime(2026, 11, 25, 12, tzinfo=timezone.utc)
    for _ in range(5):
        moment = cron.after(moment)
        expected.append(moment)
    found = set()
    for calendar in cron.on_calendar():
        done = subprocess.run(
            [
                "systemd-analyze",
                "calendar",
                "--iterations=5",
                "--base-time=2026-11-25 12:00:00 UTC",
                calendar,
            ],
            capture_output=True,
            text=True,
            check=True,
            env={"TZ": "UTC", "PATH": "/usr/bin:/bin"},
        )
        for line in done.stdout.splitlines():
            label, _, time = line.strip().partition(": ")
            if label == "Next elapse" or label.startswith("Iter"):
                read = datetime.strptime(time.strip(), "%a %Y-%m-%d %H:%M:%S UTC")
                found.add(read.replace(tzinfo=timezone.utc))
    assert sorted(found)[:5] == expected
