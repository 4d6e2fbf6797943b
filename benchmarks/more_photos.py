"""Many distinct photos from few real ones, by crops, flips and encoding anew.

    python -m benchmarks.more_photos --photos folder --count 40000 --out folder

Every file is a JPEG of 20 KB or more. The classes and the split, where the folder has one, stay as they are.
"""

from __future__ import annotations

import io
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from PIL import Image

_LEAST = 20_000  # bytes of a file
_SIDE = 320  # pixels; larger than a base sees


def make(number: int, photos: list[Path], source: Path, out: Path) -> None:
    """Write one image: a crop of six to ten tenths of a photo's sides, flipped or not."""
    rng = np.random.default_rng(number)
    photo = photos[number % len(photos)]
    with Image.open(photo) as image:
        rgb = image.convert("RGB")
    width, height = (int(side * rng.uniform(0.6, 1.0)) for side in rgb.size)
    left, top = rng.integers(0, rgb.width - width + 1), rng.integers(0, rgb.height - height + 1)
    cropped = rgb.crop((left, top, left + width, top + height)).resize((_SIDE, _SIDE))
    if rng.random() < 0.5:
        cropped = cropped.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for quality in (90, 95, 98, 100):
        encoded = io.BytesIO()
        cropped.save(encoded, "JPEG", quality=quality)
        if encoded.tell() >= _LEAST:
            break
    target = out / photo.relative_to(source).parent / f"{number:06}.jpg"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(encoded.getvalue())


def main(
    photos: Annotated[Path, typer.Option(exists=True, file_okay=False, help="real photos, by class")],
    count: Annotated[int, typer.Option(help="images to make")],
    out: Annotated[Path, typer.Option(help="a new folder")],
) -> None:
    """Make the images, on all cores."""
    found = sorted(path for path in photos.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
    with ProcessPoolExecutor() as pool:
        list(pool.map(partial(make, photos=found, source=photos, out=out), range(count), chunksize=200))


if __name__ == "__main__":
    typer.run(main)
