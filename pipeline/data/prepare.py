"""The `prepare` stage: looks at every image and writes the manifest, the contract between data and pipeline.

manifest.csv has one row an image, sorted by path: path, label, split, rank, fold, sha256, then the slice
columns brightness, sharpness, size and source, then the user's own columns. docs/data.md defines each. All
outputs are the same bytes for the same images, parameters, splits.csv and accepted.json, on every machine.
"""

from __future__ import annotations

import bisect
import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import FOLD, LABEL, PATH, SPLITS, TRAIN
from headstart.components.shared.files import replacing
from headstart.pipeline.data import accepted, claims, fact_cache, folding, memory
from headstart.pipeline.data import split as splitting
from headstart.pipeline.data.image_facts import Facts, UnusableError, meant_as_image
from headstart.pipeline.data.inspection import inspect_all
from headstart.pipeline.data.layout import METADATA, Found, Layout, scan
from headstart.pipeline.data.manifest import Row
from headstart.pipeline.data.metadata import GROUP, SPLIT, Metadata, load
from headstart.pipeline.data.subsets import FOLDER, Subset, members, to_write
from headstart.pipeline.project import MANIFEST

if TYPE_CHECKING:
    from headstart.pipeline.config.file import Config

SET_ASIDE = Path("set_aside.csv")

COLUMNS = (PATH, LABEL, "split", "rank", FOLD, "sha256", "brightness", "sharpness", "size", "source")
NO_RANK = -1


@dataclass(frozen=True)
class Prepared:
    """What `prepare` found, for the command line to tell."""

    images: dict[str, dict[str, int]]  # by label, then by split
    set_aside: list[tuple[str, str]]  # (path, reason), sorted
    subsets: list[Subset]  # those that were written
    notes: list[str]  # what people should know of the splits and of the new images, a sentence each

    def sentence(self) -> str:
        """One line for people."""
        splits = {split: sum(counts[split] for counts in self.images.values()) for split in SPLITS}
        told = ", ".join(f"{count:,} {split}" for split, count in splits.items())
        skipped, s = len(self.set_aside), "s" * (len(self.set_aside) != 1)
        aside = f"; {skipped:,} file{s} skipped ({SET_ASIDE} has the reasons)" if skipped else ""
        return f"{sum(splits.values()):,} images of {len(self.images)} classes: {told}{aside}."


def prepare(
    config: Config, data: Path = Path("data"), out: Path = Path("."), console: Console | None = None
) -> Prepared:
    """Write manifest.csv, set_aside.csv, subsets/ and what the next run must know into `out`: all or none.

    Raises:
        HeadstartError: the data folder is absent or empty or has one class, a class has too few images, too
            many files are unreadable (only set_aside.csv is then written), metadata.csv does not fit or has
            times that cannot be read, or the images differ from the accepted ones in a way that
            `params.yaml` wants to stop.
    """
    layout = scan(data)
    metadata = load(data / METADATA, {found.path for found in layout.files})
    seen = fact_cache.read(out)
    facts, problems = _inspect(layout, seen, console)
    fact_cache.write(out, {one.sha256: one for one in facts.values()})
    set_aside = [*layout.left_out, *problems]
    _refuse_too_many(config.prepare.max_unreadable, layout, problems, out)
    images = [
        claims.Image(
            path=found.path,
            label=found.label,
            sha256=facts[found.path].sha256,
            group=metadata.value(found.path, GROUP),
            fixed=metadata.value(found.path, SPLIT) or found.split,
        )
        for found in layout.files
        if found.path in facts
    ]
    seed = config.prepare.seed
    known, redrawn = _remembered(config, out)
    images, copies = claims.remove_copies(images, known.splits)
    _refuse_empty_class(layout, images)
    images, torn = claims.reconcile(images, known.splits)
    splits = splitting.assign(images, seed, config.prepare.validation, config.prepare.test, known.splits)
    training = [image for image in images if splits[image.path] == TRAIN]
    before = accepted.read(out / accepted.FILE, config.dataset)
    new = [facts[image.path] for image in training if not known.is_accepted(image)]
    notes = accepted.check(before, layout.labels, new, config.prepare) if before else accepted.Notes()
    measured = before or accepted.of(config.dataset, layout.labels, [facts[image.path] for image in training])
    ranks = splitting.ranks(training, seed)
    folds = folding.numbers(training, metadata, config.prepare)
    sources = {found.path: found for found in layout.files}
    # Of few images each, the times are no slices.
    columns = [name for name in metadata.columns if name != config.prepare.time or name == GROUP]
    rows = _rows([sources[image.path] for image in images], facts, splits, ranks, folds, metadata, columns)
    designs = (config.study, config.study.full)
    prepared = Prepared(
        _count(rows),
        sorted([*set_aside, *copies, *torn]),
        to_write(designs, rows),
        [*redrawn, *_moved(images, known, splits), *notes.told],
    )
    # The memory first: a run that is killed after it, and is repeated, draws the same splits.
    _replace(out / memory.FILE, known.with_images(images, splits, accept=before is None).encoded())
    _replace(out / accepted.FILE, measured.encoded())
    _replace(out / accepted.NOTES, notes.encoded())
    _write(out, rows, [*COLUMNS, *columns], prepared)
    return prepared


def _remembered(config: Config, out: Path) -> tuple[memory.Memory, list[str]]:
    """What earlier runs drew; no splits where they drew with other settings, which is then told."""
    drawn_with = memory.drawn_with(config)
    known = memory.read(out / memory.FILE)
    if known.drawn_with in ("", drawn_with):
        return replace(known, drawn_with=drawn_with), []
    told = (
        f"All splits are drawn anew, with {drawn_with}: {memory.FILE} had {known.drawn_with}. "
        f"To keep the old splits, set that again and `git checkout {memory.FILE}`."
    )
    return memory.Memory(drawn_with, {}, known.accepted), [told]


def _moved(images: list[claims.Image], known: memory.Memory, splits: dict[str, str]) -> list[str]:
    """A sentence where the user's own splits have moved old images."""
    moved = sum(known.split_of(image) not in ("", splits[image.path]) for image in images)
    return (
        [f"Moved to another split, as data/ or metadata.csv says: {moved:,} old image(s)."] if moved else []
    )


def _inspect(
    layout: Layout, seen: dict[str, Facts], console: Console | None
) -> tuple[dict[str, Facts], list[tuple[str, str]]]:
    facts, problems = {}, []
    with closing(inspect_all(layout.folder, layout.files, console, known=seen)) as outcomes:
        for found, outcome in outcomes:
            if isinstance(outcome, UnusableError):
                problems.append((found.path, str(outcome)))
            else:
                facts[found.path] = outcome
    return facts, problems


def _refuse_too_many(limit: float, layout: Layout, problems: list[tuple[str, str]], out: Path) -> None:
    unreadable = sorted(path for path, _ in problems if meant_as_image(path))
    images = len(layout.files) - len(problems) + len(unreadable)
    if len(unreadable) <= limit * images:
        return
    _replace(out / SET_ASIDE, _csv([PATH, "reason"], sorted([*layout.left_out, *problems])))
    named = ", ".join(unreadable[:3]) + (", …" if len(unreadable) > 3 else "")
    raise HeadstartError(
        f"{len(unreadable)} of {images} images in {layout.folder} are unreadable ({named}), more than "
        f"prepare.max_unreadable allows ({limit:g}): repair or remove them, {SET_ASIDE} has the reasons."
    )


def _refuse_empty_class(layout: Layout, images: list[claims.Image]) -> None:
    for label in sorted(set(layout.labels) - {image.label for image in images}):
        raise HeadstartError(
            f"The class '{label}' in {layout.folder} has 0 usable images, and each of {', '.join(SPLITS)} "
            "needs one: add images or remove its folder."
        )


def _rows(
    found: list[Found],
    facts: dict[str, Facts],
    splits: dict[str, str],
    ranks: dict[str, int],
    folds: dict[str, str],
    metadata: Metadata,
    columns: list[str],
) -> list[Row]:
    training = [facts[path] for path in ranks]
    brightness = _bucketer([f.brightness for f in training], ("dark", "medium", "bright"))
    sharpness = _bucketer([f.sharpness for f in training], ("blurred", "medium", "sharp"))
    size = _bucketer([f.pixels for f in training], ("small", "medium", "large"))
    return [
        {
            PATH: item.path,
            LABEL: item.label,
            "split": splits[item.path],
            "rank": str(ranks.get(item.path, NO_RANK)),
            FOLD: folds.get(item.path, ""),
            "sha256": facts[item.path].sha256,
            "brightness": brightness(facts[item.path].brightness),
            "sharpness": sharpness(facts[item.path].sharpness),
            "size": size(facts[item.path].pixels),
            "source": item.source,
            **{column: metadata.value(item.path, column) for column in columns},
        }
        for item in found
    ]


def _bucketer(training: list[int], names: tuple[str, str, str]) -> Callable[[int], str]:
    """Names for the lowest, middle and highest third of the training values.

    Equal values share a bucket, the outer one where they lie across an edge. Any other value is named as the
    next lower training value is, so that no split has a bucket that the training split lacks.
    """
    ordered = sorted(training)
    third = max(1, len(ordered) // 3)
    low, high = ordered[third - 1], ordered[-third]

    def bucket(value: int) -> str:
        seen = ordered[max(0, bisect.bisect_right(ordered, value) - 1)]
        if seen <= low and seen < high:
            return names[0]
        return names[2] if seen >= high and seen > low else names[1]

    return bucket


def _count(rows: list[Row]) -> dict[str, dict[str, int]]:
    counts = Counter((row[LABEL], row["split"]) for row in rows)
    labels = sorted({row[LABEL] for row in rows})
    return {label: {split: counts[label, split] for split in SPLITS} for label in labels}


def _write(out: Path, rows: list[Row], columns: Sequence[str], prepared: Prepared) -> None:
    manifest = _csv(columns, ([row[column] for column in columns] for row in rows))
    with replacing(out / FOLDER) as folder:
        folder.mkdir()
        for subset in prepared.subsets:
            chosen = ((row[PATH], row[LABEL]) for row in members(subset, rows))
            (folder / subset.file.name).write_bytes(_csv([PATH, LABEL], chosen))
    _replace(out / SET_ASIDE, _csv([PATH, "reason"], prepared.set_aside))
    _replace(out / MANIFEST, manifest)


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    # Names that are not UTF-8 can only be among those set aside.
    return text.getvalue().encode("utf-8", errors="backslashreplace")


def _replace(path: Path, content: bytes) -> None:
    with replacing(path) as fresh:
        fresh.write_bytes(content)
