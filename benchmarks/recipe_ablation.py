"""Which options of a fine-tuning recipe pay: one factor at a time around one recipe.

    python -m benchmarks.recipe_ablation --sign-digits FOLDER --clothing FOLDER --runs runs.jsonl

Each folder has one folder of images for each class. Sign digits has no split of its own, so a random
split is made and its training part is used. The folder in KERAS_HOME must have the weights of
MobileNetV2, alpha 0.35. Each run is appended to the file of runs, and a run that the file has is skipped.
So the same command resumes, and prints the table again.

Each data set gives two folds of a tenth of its training images, which share no image, and about 400 other
training images for evaluation. No validation or test image is used. On sign digits, the persons in these
400 images are not in the folds. The centre takes 300 steps on sign digits and 200 on clothing.

The rule. sigma is the standard deviation of the centre's accuracy over seeds, pooled over all folds. The
noise of a factor is sigma / sqrt(number of its runs), with the centre's added in quadrature. A factor is
`better` or `worse` where its mean difference from the centre, over both data sets, is more than twice its
noise. Otherwise it is `same`. A recipe takes an option that is better. It keeps an option of the centre
where the change is worse. It drops all other options.
"""

from __future__ import annotations

import json
import re
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import keras
import numpy as np
import typer
from PIL import Image, ImageOps
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from benchmarks.recipe import SIDE, Data, Head, Recipe, fit_head, load_base, tune

PART, JUDGED, FOLDS = 0.1, 400, 2
CENTRE = Recipe()
# In the order in which they run. Those of the centre with further seeds measure the noise.
FACTORS = (
    ("centre", CENTRE),  # WiSE-FT and statistics that are estimated again need no training of their own
    ("BatchNorm fixed", replace(CENTRE, momentum=None)),
    ("BatchNorm fixed, rate 0.001", replace(CENTRE, momentum=None, rate=0.001)),
    ("rate 0.03", replace(CENTRE, rate=0.03)),
    ("centre", replace(CENTRE, seed=1)),
    ("upper half of the blocks", replace(CENTRE, depth=9)),
    ("top 2 blocks", replace(CENTRE, depth=2)),
    ("no augmentation", replace(CENTRE, changes=(0.0, 0.0, 0.0), flips=False)),
    ("label smoothing 0.1", replace(CENTRE, smoothing=0.1)),
    ("no L2-SP", replace(CENTRE, pull=0.0)),
    ("rate x 0.8 from block to block", replace(CENTRE, block_decay=0.8)),
    ("two thirds of the steps", replace(CENTRE, length=2 / 3)),
    ("AdamW 5e-4, weight decay 0.05", replace(CENTRE, adamw=True, rate=5e-4, pull=0.0, weight_decay=0.05)),
    ("strong augmentation", replace(CENTRE, changes=(0.15, 0.2, 0.4))),
    ("start from the upper half's head", replace(CENTRE, start="upper")),
    ("mixup 0.2", replace(CENTRE, mixup=0.2)),
    ("weight decay 0.05 instead of L2-SP", replace(CENTRE, pull=0.0, weight_decay=0.05)),
    ("start from a random head", replace(CENTRE, start="random")),
    ("constant rate", replace(CENTRE, cosine=False)),
    ("rate 0.003", replace(CENTRE, rate=0.003)),
    ("BatchNorm fixed, rate 0.03", replace(CENTRE, momentum=None, rate=0.03)),
    ("centre", replace(CENTRE, seed=2)),
    ("class weights", replace(CENTRE, class_weights=True)),
    ("BatchNorm momentum 0.999", replace(CENTRE, momentum=0.999)),
    ("four thirds of the steps", replace(CENTRE, length=4 / 3)),
)


def sign_digits(folder: Path) -> Data:
    """The training part of a random split; consecutive file numbers with rising digits are one person."""
    files = sorted(folder.glob("*/*.JPG"), key=_number)
    digits = np.array([int(file.parent.name) for file in files])
    numbers = np.array([_number(file) for file in files])
    persons = np.cumsum(np.r_[0, (np.diff(digits) <= 0) | (np.diff(numbers) > 3)])
    training = train_test_split(np.arange(len(files)), train_size=0.7, stratify=digits, random_state=1)[0]
    return _folds("sign digits", np.array(files)[training], digits[training], persons[training], 300, False)


def clothing(folder: Path) -> Data:
    """All training images; every image is a group of its own."""
    files = sorted(folder.glob("*/*.jpg"))
    labels = np.unique([file.parent.name for file in files], return_inverse=True)[1]
    return _folds("clothing", np.array(files), labels, np.arange(len(files)), 200, True)


def _number(file: Path) -> int:
    return int(re.findall(r"\d+", file.stem)[0])


def _folds(
    name: str, files: np.ndarray, labels: np.ndarray, groups: np.ndarray, steps: int, flip: bool
) -> Data:
    split = GroupShuffleSplit(1, test_size=JUDGED / len(files), random_state=0)
    rest, judged = next(split.split(files, labels, groups))
    folds, size = [], int(PART * len(files))
    for seed in range(FOLDS):
        fold, rest = train_test_split(rest, train_size=size, stratify=labels[rest], random_state=seed)
        folds.append(fold)
    images = np.zeros((len(files), SIDE, SIDE, 3), np.uint8)
    for index in np.concatenate([*folds, judged]):
        with Image.open(files[index]) as image:
            upright = ImageOps.exif_transpose(image).convert("RGB")
            images[index] = upright.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return Data(name, images, labels, folds, judged, steps, flip)


def run(data: Data, base: keras.Model, pretrained: list[np.ndarray], path: Path) -> Iterator[None]:
    """Train one factor after another on all folds, and append what comes out; yields after each factor."""
    heads: dict[tuple[int, str], Head] = {}
    for name, recipe in FACTORS:
        for number, fold in enumerate(data.folds):
            about = {"data": data.name, "fold": number, "seed": recipe.seed}
            if any({**about, "factor": name}.items() <= done.items() for done in _read(path)):
                continue
            base.set_weights(pretrained)
            if (number, recipe.start) not in heads and recipe.start != "random":
                began = time.process_time()
                heads[number, recipe.start], accuracy = fit_head(base, data, fold, recipe.start)
                frozen = {"seed": 0, "factor": f"frozen, {recipe.start}", "accuracy": accuracy}
                _append(path, {**about, **frozen, "seconds": time.process_time() - began})
            seconds, ends = tune(
                base, data, fold, heads.get((number, recipe.start)), recipe, name == "centre"
            )
            for end, accuracy in ends.items():
                _append(path, {**about, "factor": end or name, "accuracy": accuracy, "seconds": seconds})
        yield


def _read(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def _append(path: Path, record: dict) -> None:
    with path.open("a") as file:
        file.write(json.dumps(record) + "\n")


def table(runs: list[dict]) -> str:
    """Markdown: a line for each factor that all data sets and folds have."""
    cells: dict[tuple[str, int], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    seconds: dict[tuple[str, str], list[float]] = defaultdict(list)
    for record in {(r["data"], r["fold"], r["factor"], r["seed"]): r for r in runs}.values():
        cells[record["data"], record["fold"]][record["factor"]].append(100 * record["accuracy"])
        seconds[record["data"], record["factor"]].append(record["seconds"])
    names = sorted({data for data, _ in cells}, reverse=True)
    keys = sorted(cells, key=lambda key: (names.index(key[0]), key[1]))
    sigma = np.sqrt(np.mean([np.var(cell["centre"], ddof=1) for cell in cells.values()]))
    titles = [f"{data}, fold {fold + 1}" for data, fold in keys] + [f"{data}, difference" for data in names]
    titles = ["factor", *titles, "mean difference ± noise", *(f"{data}, CPU s" for data in names), "verdict"]
    lines = [" | ".join(titles), " | ".join(["---"] * len(titles))]
    for factor in dict.fromkeys(record["factor"] for record in runs):
        if not all(factor in cells[key] for key in keys):
            continue
        means = {key: np.mean(cells[key][factor]) for key in keys}
        gains = {key: means[key] - np.mean(cells[key]["centre"]) for key in keys}
        shifts = [np.mean([gains[key] for key in keys if key[0] == data]) for data in names]
        count = [sum(len(cells[key][name]) for key in keys) for name in (factor, "centre")]
        noise, mean = sigma * np.sqrt(1 / count[0] + 1 / count[1]), np.mean(shifts)
        verdict = "same" if abs(mean) <= 2 * noise else "better" if mean > 0 else "worse"
        row = [factor, *(f"{means[key]:.1f}" for key in keys), *(f"{shift:+.1f}" for shift in shifts)]
        row += [f"{mean:+.1f} ± {noise:.1f}", *(f"{np.mean(seconds[data, factor]):.0f}" for data in names)]
        lines.append(" | ".join([*row, "" if factor == "centre" else verdict]))
    return "\n".join(f"| {line} |" for line in lines)


def main(
    sign: Annotated[Path, typer.Option("--sign-digits", help="Folder with one folder for each digit.")],
    clothes: Annotated[
        Path, typer.Option("--clothing", help="Folder of training images, one for each class.")
    ],
    runs: Annotated[Path, typer.Option(help="File of the runs, JSON lines; read and appended to.")],
) -> None:
    """Train what is missing in the file of runs, and print the table."""
    base = load_base()
    pretrained = base.get_weights()
    for _ in zip(*(run(data, base, pretrained, runs) for data in (sign_digits(sign), clothing(clothes)))):
        pass
    print(table(_read(runs)))


if __name__ == "__main__":
    typer.run(main)
