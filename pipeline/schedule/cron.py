"""Cron expressions: their times, and the same times in systemd's words.

APScheduler's own reading of an expression differs from cron's: it counts weekdays from Monday, and asks
for the day of the month and the weekday at once. So the fields are read here, and it gets plain lists.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from headstart.components.shared.errors import HeadstartError

if TYPE_CHECKING:
    from apscheduler.triggers.base import BaseTrigger

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS = {"minute": (0, 59), "hour": (0, 23), "day": (1, 31), "month": (1, 12), "weekday": (0, 7)}
_ITEM = re.compile(r"(?:(?P<all>\*)|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>[1-9]\d*))?")


@dataclass(frozen=True)
class Cron:
    """A checked expression; times are those of this machine's time zone.

    Args:
        expression: five fields, as in crontab(5).

    Raises:
        HeadstartError: it is no cron expression, or its time never comes.
    """

    expression: str

    def __post_init__(self) -> None:
        if self._trigger.get_next_fire_time(None, datetime.now().astimezone()) is None:
            raise HeadstartError(f"The cron expression '{self.expression}' names a day that never comes.")

    def after(self, moment: datetime) -> datetime:
        """The first time after a moment that has a time zone."""
        found = self._trigger.get_next_fire_time(moment, moment)
        assert found is not None  # it was looked for when the expression was checked
        return found

    @property
    def time_zone(self) -> str:
        """The name of this machine's time zone, such as Europe/Paris."""
        from apscheduler.triggers.cron import CronTrigger

        return str(CronTrigger().timezone)

    @property
    def portable(self) -> str:
        """The expression for schedulers that know Sunday as 0 alone, such as Kubernetes."""
        *others, weekday = self.expression.split()
        if "7" in weekday:
            weekday = ",".join(map(str, self._fields["weekday"]))
        return " ".join([*others, weekday])

    def on_calendar(self) -> list[str]:
        """The same times as systemd's OnCalendar; two where the expression asks for one day or another."""
        fields = self._fields
        day, month, weekday = (
            "*" if name not in fields else ",".join(map(str, fields[name]))
            for name in ("day", "month", "weekday")
        )
        if weekday != "*":
            weekday = ",".join(_WEEKDAYS[number].capitalize() for number in fields["weekday"])
        hour, minute = (
            ",".join(f"{number:02}" for number in fields[name]) if name in fields else "*"
            for name in ("hour", "minute")
        )
        time = f"{hour}:{minute}:00"
        if self._either_day:
            return [f"*-{month}-{day} {time}", f"{weekday} *-{month}-* {time}"]
        return [f"{'' if weekday == '*' else weekday + ' '}*-{month}-{day} {time}"]

    @cached_property
    def _trigger(self) -> BaseTrigger:
        from apscheduler.triggers.combining import OrTrigger
        from apscheduler.triggers.cron import CronTrigger

        lists = {name: ",".join(map(str, numbers)) for name, numbers in self._fields.items()}
        common = {name: lists.get(name, "*") for name in ("minute", "hour", "month")}
        days = {}
        if "day" in lists:
            days["day"] = lists["day"]
        if "weekday" in lists:
            days["day_of_week"] = ",".join(_WEEKDAYS[number] for number in self._fields["weekday"])
        if self._either_day:
            return OrTrigger([CronTrigger(**common, **{key: value}) for key, value in days.items()])
        return CronTrigger(**common, **days)

    @cached_property
    def _fields(self) -> dict[str, list[int]]:
        """The numbers of each field that is not `*`."""
        parts = self.expression.split()
        if len(parts) != len(_FIELDS):
            raise self._refusal(f"it has {len(parts)} fields")
        read = {name: self._numbers(name, part) for name, part in zip(_FIELDS, parts) if part != "*"}
        if "weekday" in read:  # 7 is Sunday, too
            read["weekday"] = sorted({number % 7 for number in read["weekday"]})
        return read

    @property
    def _either_day(self) -> bool:
        """Whether a day of the month or a weekday will do: cron's rule where both are named."""
        _, _, day, _, weekday = self.expression.split()
        return not day.startswith("*") and not weekday.startswith("*")

    def _numbers(self, name: str, field: str) -> list[int]:
        lowest, highest = _FIELDS[name]
        found: set[int] = set()
        for item in field.split(","):
            matched = _ITEM.fullmatch(item)
            if not matched:
                raise self._refusal(f"the {name} is '{item}'")
            if matched["all"]:
                first, last = lowest, 6 if name == "weekday" else highest
            else:
                first = self._number(name, matched["first"])
                alone = highest if matched["step"] else first
                last = self._number(name, matched["last"]) if matched["last"] else alone
            if first > last:
                raise self._refusal(f"the {name} is '{item}', which runs backwards")
            found.update(range(first, last + 1, int(matched["step"] or 1)))
        return sorted(found)

    def _number(self, name: str, word: str) -> int:
        lowest, highest = _FIELDS[name]
        if name == "month" and word.lower() in _MONTHS:
            return _MONTHS.index(word.lower()) + 1
        if name == "weekday" and word.lower() in _WEEKDAYS:
            return _WEEKDAYS.index(word.lower())
        if not word.isdecimal() or not lowest <= int(word) <= highest:
            raise self._refusal(f"the {name} is '{word}', and it goes from {lowest} to {highest}")
        return int(word)

    def _refusal(self, why: str) -> HeadstartError:
        return HeadstartError(
            f"'{self.expression}' is not a cron expression: {why}. It has five fields, minute, hour, day, "
            "month, weekday, such as '0 3 * * 1' for Mondays at 03:00."
        )


def now() -> datetime:
    """The present, in this machine's time zone."""
    return datetime.now().astimezone()


LATE = timedelta(minutes=1)  # later than this, a run counts as missed
