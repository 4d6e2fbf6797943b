"""The project's `code.json`: for each of its DVC stages, a digest of the code that it runs.

No stage imports this module, so that no stage depends on the code of another one.
"""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from headstart.pipeline import code_digest

FILE = Path("code.json")  # in git; in dvc.yaml each stage depends on its key
STAGES = {
    "pretrain": "headstart.pipeline.demo.pretraining",
    "prepare": "headstart.pipeline.data.prepare",
    "tune": "headstart.pipeline.tuning.tune",
    "study": "headstart.pipeline.study.study",
    "promote": "headstart.pipeline.promotion.promote",
}


def digests(project: Path = Path()) -> dict[str, str]:
    """Digest of the code of each stage that the project has."""
    content = yaml.safe_load((project / "dvc.yaml").read_text(encoding="utf-8"))
    return {name: code_digest.of_modules(STAGES[name]) for name in content["stages"] if name in STAGES}


def changed(project: Path = Path()) -> list[str]:
    """Stages whose code is other than `code.json` says; all where there is none."""
    try:
        known = json.loads((project / FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        known = {}
    return [stage for stage, digest in digests(project).items() if known.get(stage) != digest]


def write(project: Path = Path()) -> None:
    """Write the project's `code.json`."""
    (project / FILE).write_text(json.dumps(digests(project), indent=2) + "\n", encoding="utf-8")
