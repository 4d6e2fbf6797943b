"""splits.csv, in git: which split every image was given, so that no old image changes its split.

Its first line says with what the splits were drawn. Then it has one row for each content hash and each group
that was ever in the manifest, of images that are no longer there too. An image that was drawn from the user's
training split has a second row, so that a person who moves it by hand can be told from one who did not.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import SPLITS, TRAIN
from headstart.components.shared.groups import keys_of
from headstart.pipeline.data.claims import MOST_HELD_OUT_FIRST, Image, drawn_key

if TYPE_CHECKING:
    from headstart.pipeline.config.file import Config

FILE = Path("splits.csv")
_DRAWN_WITH = "# drawn with: "
_HEADER = ["key", "split", "accepted"]
_ACCEPTED = "yes"
_BYTES = keys_of("", "")[0]  # what the key of an image begins with


@dataclass(frozen=True)
class Memory:
    """What splits.csv holds."""

    drawn_with: str = ""  # the data set's name, the seed, the shares
    splits: dict[str, str] = field(default_factory=dict)  # by key, as `groups.keys_of` has it
    accepted: frozenset[str] = frozenset()  # keys of the images that `accepted.json` was measured on

    def split_of(self, image: Image) -> str:
        """The split that an image of this content had; "" where there was none."""
        return self.splits.get(keys_of(image.sha256, "")[0], "")

    def is_accepted(self, image: Image) -> bool:
        """Whether an image of this content was accepted."""
        return keys_of(image.sha256, "")[0] in self.accepted

    def images(self) -> set[str]:
        """SHA-256 of all images that it knows."""
        return {key.removeprefix(_BYTES) for key in self.splits if key.startswith(_BYTES)}

    def is_of(self, dataset: str) -> bool:
        """Whether it is about the images of this data set."""
        return self.drawn_with.startswith(f"dataset {dataset}, ")

    def with_images(self, images: list[Image], splits: dict[str, str], accept: bool) -> Memory:
        """The memory with the splits of these images.

        Args:
            images: those of the manifest.
            splits: of every image, by path.
            accept: whether these images are now the accepted ones.
        """
        known, marked = dict(self.splits), set() if accept else set(self.accepted)
        for image in images:
            keys = keys_of(image.sha256, image.group)
            known.update(dict.fromkeys(keys, splits[image.path]))
            known.pop(drawn_key(image.sha256), None)
            if image.fixed == TRAIN != splits[image.path]:
                known[drawn_key(image.sha256)] = splits[image.path]
            if accept:
                marked.add(keys[0])
        return Memory(self.drawn_with, known, frozenset(marked & known.keys()))

    def encoded(self) -> bytes:
        """The file's content."""
        text = io.StringIO()
        text.write(f"{_DRAWN_WITH}{self.drawn_with}\n")
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(_HEADER)
        for key, split in sorted(self.splits.items()):
            writer.writerow([key, split, _ACCEPTED if key in self.accepted else ""])
        return text.getvalue().encode()


def drawn_with(config: Config) -> str:
    """What the splits follow from, beside the images."""
    settings = config.prepare
    return (
        f"dataset {config.dataset}, seed {settings.seed}, validation {settings.validation:g}, "
        f"test {settings.test:g}"
    )


def read(path: Path) -> Memory:
    """Read splits.csv; where there is none, nothing is known.

    Raises:
        HeadstartError: it is not what `encoded` writes, such as after a merge with conflicts.
    """
    try:
        first, _, rest = path.read_bytes().decode().partition("\n")
    except FileNotFoundError:
        return Memory()
    except UnicodeDecodeError:
        first, rest = "", ""
    header, *rows = [*csv.reader(io.StringIO(rest, newline=""))] or [[]]
    if not first.startswith(_DRAWN_WITH) or header != _HEADER:
        raise _damaged(path, 1)
    splits: dict[str, str] = {}
    for number, row in enumerate(rows, start=3):
        if len(row) != len(_HEADER) or row[1] not in SPLITS:
            raise _damaged(path, number)
        # Two lines for one key come from a merge: what one side held out, the other must not train on.
        splits[row[0]] = min(row[1], splits.get(row[0], ""), key=MOST_HELD_OUT_FIRST.index)
    return Memory(
        first.removeprefix(_DRAWN_WITH),
        splits,
        frozenset(key for key, _, mark in rows if mark == _ACCEPTED),
    )


def _damaged(path: Path, line: int) -> HeadstartError:
    return HeadstartError(
        f"{path}, line {line}, is not as headstart writes it: after a merge keep the lines of both "
        f"sides, else restore it with `git checkout {path.name}`. Without the file all splits are drawn anew."
    )
