"""accepted.json, in git: the classes and the look of the accepted images, which new ones are compared with.

The first run writes it, and each run after `headstart data accept`. Brightness and sharpness are those of
docs/data.md; the measured values, not the manifest's thirds, which move with the images.
"""

from __future__ import annotations

import bisect
import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.config.images import Prepare
from headstart.pipeline.data.image_facts import Facts

FILE = Path("accepted.json")
NOTES = Path("data_notes.json")  # what a run noted: an output of `prepare`, which the report reads
ACCEPT = "`headstart data accept`"
_WORDS = {"brightness": ("darker", "brighter"), "sharpness": ("more blurred", "sharper")}


@dataclass(frozen=True)
class Distribution:
    """How measured values are spread, at nine edges."""

    edges: tuple[int, ...]  # the deciles
    shares: tuple[float, ...]  # of the values, those up to each edge

    @classmethod
    def of(cls, values: Sequence[int]) -> Distribution:
        """The distribution of one value or more."""
        ordered = sorted(values)
        edges = tuple(ordered[len(ordered) * tenth // 10] for tenth in range(1, 10))
        return cls(edges, _shares(ordered, edges))

    def shift(self, values: Sequence[int]) -> tuple[int, float, float]:
        """Where other values differ most: the edge, the share up to it here, their share."""
        found = _shares(sorted(values), self.edges)
        return max(zip(self.edges, self.shares, found), key=lambda one: abs(one[2] - one[1]))


@dataclass(frozen=True)
class Accepted:
    """The images that were accepted."""

    dataset: str
    classes: tuple[str, ...]  # sorted
    images: int  # of the training split; the distributions are theirs
    brightness: Distribution
    sharpness: Distribution

    def encoded(self) -> bytes:
        """The file's content."""
        return (json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n").encode()


@dataclass(frozen=True)
class Notes:
    """What a run passed over with a warning, as params.yaml wants it."""

    new_classes: tuple[str, ...] = ()
    told: tuple[str, ...] = ()  # a sentence each

    def encoded(self) -> bytes:
        """The file's content."""
        return (json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n").encode()


def read(path: Path, dataset: str) -> Accepted | None:
    """The accepted images; None where there is none, or it is of another data set.

    Raises:
        HeadstartError: the file is damaged.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        spread = {
            name: Distribution(*(tuple(values[name][part]) for part in ("edges", "shares")))
            for name in _WORDS
        }
        found = Accepted(values["dataset"], tuple(values["classes"]), int(values["images"]), **spread)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError):
        raise HeadstartError(
            f"{path} is not as headstart writes it: restore it with `git checkout {path.name}`, "
            f"or run {ACCEPT} to accept the present images."
        ) from None
    return found if found.dataset == dataset else None


def read_notes(path: Path = NOTES) -> Notes:
    """What `prepare` noted; nothing where it was an earlier version's."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Notes()
    return Notes(*(tuple(values[name]) for name in ("new_classes", "told")))


def of(dataset: str, classes: Sequence[str], training: Sequence[Facts]) -> Accepted:
    """Accept images: their classes, and the facts of those in the training split, at least one."""
    spread = {name: Distribution.of([getattr(one, name) for one in training]) for name in _WORDS}
    return Accepted(dataset, tuple(sorted(classes)), len(training), **spread)


def check(accepted: Accepted, classes: Sequence[str], new: Sequence[Facts], settings: Prepare) -> Notes:
    """Compare the present data with the accepted images.

    A shift is the largest difference between the two distribution functions at the deciles of the accepted
    images, less what chance alone would reach in one of a hundred such comparisons (Kolmogorov-Smirnov).

    Args:
        accepted: the accepted images.
        classes: of the present images.
        new: facts of the training images that were not accepted yet.
        settings: what stops, what warns, and how large a shift counts.

    Raises:
        HeadstartError: something differs that params.yaml wants to stop.
    """
    added = tuple(sorted(set(classes) - set(accepted.classes)))
    vanished = sorted(set(accepted.classes) - set(classes))
    found = [
        (settings.new_class, f"{_classes(added)} new"),
        (settings.vanished_class, f"{_classes(vanished)} no longer there"),
    ]
    found = [one for one, labels in zip(found, (added, vanished)) if labels]
    for name, (less, more) in _WORDS.items():
        if not new:
            break
        edge, before, now = getattr(accepted, name).shift([getattr(one, name) for one in new])
        chance = 1.63 * math.sqrt(1 / len(new) + 1 / accepted.images)
        if abs(now - before) - chance > settings.max_shift:
            what = less if now > before else more
            found.append(
                (
                    settings.shift,
                    f"the {len(new):,} new training images are {what}: {now:.0%} have a {name} of at most "
                    f"{_written(name, edge)}, and {before:.0%} of the accepted ones",
                )
            )
    if stops := [told for action, told in found if action == "stop"]:
        raise HeadstartError(
            f"data/ differs from the images that were accepted: {'; '.join(stops)}. Correct data/, or run "
            f"{ACCEPT} if the images are right (`prepare:` in params.yaml says what stops)."
        )
    ends = f"The run goes on; {ACCEPT} ends this warning."
    return Notes(added, tuple(f"{told[0].upper()}{told[1:]}. {ends}" for _, told in found))


def _shares(ordered: Sequence[int], edges: Sequence[int]) -> tuple[float, ...]:
    return tuple(round(bisect.bisect_right(ordered, edge) / len(ordered), 4) for edge in edges)


def _classes(labels: Sequence[str]) -> str:
    named = ", ".join(f"'{label}'" for label in labels[:3]) + (", …" if len(labels) > 3 else "")
    return f"the class {named} is" if len(labels) == 1 else f"the {len(labels)} classes {named} are"


def _written(name: str, value: int) -> str:
    return f"{value / 1000:.0f} of 255" if name == "brightness" else f"{value:,}"
