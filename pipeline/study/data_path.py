"""What the nodes from the manifest to decoded images are made of, in a study and in a search."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from headstart.pipeline import code_digest
from headstart.pipeline.config.file import Config
from headstart.pipeline.data import accepted, manifest
from headstart.pipeline.project import DATA, MANIFEST, WORK


@dataclass(frozen=True)
class DataPathInputs:
    """What the nodes up to the decoded images are made of.

    Places are relative to the project's folder, so that the cache holds in a project that was moved.
    """

    name: str
    work: Path  # MLMD and pipeline root, kept between runs
    data: Path
    manifest: Path
    fingerprint: str  # of what the examples hold, with the code that makes them
    image_size: int  # pixels a side
    codes: dict[str, str]  # digests of the code of transform and decoder
    beam_args: list[str]
    schema: Path | None  # of the accepted images, under a path that names its content; None in the first run


def of(config: Config) -> DataPathInputs:
    """What the nodes up to the decoded images are made of.

    Raises:
        HeadstartError: schema.pbtxt is damaged.
    """
    from headstart.pipeline.study import schema

    name = re.sub(r"[^A-Za-z0-9-]", "-", config.dataset)
    examples_code = code_digest.of_component("image_example_gen.executor")
    return DataPathInputs(
        name=name,
        work=WORK,
        data=DATA,
        manifest=MANIFEST,
        fingerprint=f"{manifest.examples_fingerprint()}-{examples_code}",
        image_size=config.base.image_size,
        codes={
            "transform": code_digest.of_component("transform.preprocessing"),
            "decoder": code_digest.of_component("decoder.executor"),
        },
        beam_args=list(config.beam.args),
        schema=schema.staged(name, accepted.read_notes().new_classes),
    )
