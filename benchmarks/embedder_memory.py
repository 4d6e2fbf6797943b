"""Peak memory of Embedder on 3,000 and on 30,000 images, each in a process of its own.

python -m benchmarks.embedder_memory
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

_SIZE = 160  # pixels


def main(
    counts: Annotated[list[int] | None, typer.Argument(help="Numbers of images.")] = None,
    worker: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Print the peaks and their ratio to the first."""
    counts = counts or [3_000, 30_000]
    if worker:
        print(json.dumps(_embed(counts[0])))
        return
    peaks = []
    for count in counts:
        command = [sys.executable, "-m", "benchmarks.embedder_memory", "--worker", str(count)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(done.stderr[-2000:])
        peaks.append(json.loads(done.stdout.splitlines()[-1]))
        print(f"{count:,} images: peak {peaks[-1]:.0f} MB, {peaks[-1] / peaks[0]:.2f} of the first")


def _embed(count: int) -> float:
    """Peak resident memory of a process that runs Embedder on so many made-up images, MB."""
    from tfx.dsl.components.base import base_beam_executor
    from tfx.types import artifact_utils, standard_artifacts

    from components.activations.artifact import Activations
    from components.activations.plan import plan_cut
    from components.activations.store import Store
    from components.base import bases
    from components.base.pooling import GRIDS
    from components.embedder.executor import Executor
    from components.features import SPLITS

    base = {
        "architecture": "MobileNetV2",
        "weights": "random",
        "image_size": _SIZE,
        "options": {"alpha": 0.35},
    }
    planned = plan_cut(bases.load(**base), {"train": count, "validation": 0, "test": 0}, 7, 0, 1e12)
    recipe = {"base": base, "depth": planned.depth, "views": 1, "chunk": planned.chunk}
    recipe |= {"augment": {}, "grids": GRIDS}
    with tempfile.TemporaryDirectory() as folder:
        given, made = standard_artifacts.Examples(), Activations()
        given.uri, made.uri = f"{folder}/examples", f"{folder}/activations/1"
        given.split_names = artifact_utils.encode_split_names(list(SPLITS))
        Path(made.uri).mkdir(parents=True)
        _write(Path(given.uri), count)
        context = base_beam_executor.BaseBeamExecutor.Context(
            beam_pipeline_args=["--direct_running_mode=multi_threading", "--direct_num_workers=0"],
            tmp_dir=folder,
            unique_id="1",
        )
        Executor(context).Do({"examples": [given]}, {"activations": [made]}, {"recipe": json.dumps(recipe)})
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        assert len(Store(Path(made.uri)).split("train")) == count
    return peak


def _write(folder: Path, count: int) -> None:
    """Two files of transformed examples in the training split, none in the others."""
    import tensorflow as tf

    from components.features import GROUP, LABEL_INDEX, PATH, PIXELS, RANK, SPLITS

    for split in SPLITS:
        (folder / f"Split-{split}").mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 256, (64, _SIZE * _SIZE * 3), dtype=np.uint8)
    for number in range(2):
        with tf.io.TFRecordWriter(f"{folder}/Split-train/{number}.gz", "GZIP") as writer:
            for rank in range(number, count, 2):
                values = {PIXELS: noise[rank % 64].tobytes(), PATH: f"{rank:06}".encode()}
                values[GROUP] = values[PATH]
                feature = {
                    name: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
                    for name, value in values.items()
                }
                for name, number_of in ((LABEL_INDEX, rank % 10), (RANK, rank)):
                    feature[name] = tf.train.Feature(int64_list=tf.train.Int64List(value=[number_of]))
                example = tf.train.Example(features=tf.train.Features(feature=feature))
                writer.write(example.SerializeToString())


if __name__ == "__main__":
    typer.run(main)
