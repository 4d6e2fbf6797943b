"""Brings the files of a project that an earlier version made up to this version."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from headstart.components.shared.errors import HeadstartError
from headstart.components.shared.features import GROUP, LABEL, PATH
from headstart.components.shared.files import replacing
from headstart.pipeline.cli.new_project import TEMPLATE
from headstart.pipeline.config import file as config
from headstart.pipeline.data import manifest, memory
from headstart.pipeline.data.claims import Image
from headstart.pipeline.data.layout import METADATA, scan
from headstart.pipeline.data.metadata import SPLIT, load
from headstart.pipeline.project import DATA, MANIFEST, PARAMS

_PIPELINE = "dvc.yaml"
_GONE = ("receipts/study.json",)  # in stages of earlier versions


def update(project: Path = Path()) -> list[str]:
    """Give `dvc.yaml` the stages of this version, `.gitignore` their outputs, `params.yaml` missing keys.

    The splits of a manifest go to `splits.csv` where there is none, so that the next run keeps them.
    Stages of the user's own stay. So do further dependencies, outputs, parameter files and settings of ours,
    and every value in `params.yaml`.

    Returns:
        The files that changed.

    Raises:
        HeadstartError: there is no `params.yaml` or `dvc.yaml`, or the splits cannot be read.
    """
    for name in (str(PARAMS), _PIPELINE):
        if not (project / name).is_file():
            raise HeadstartError(
                f"{name} is not here: run this in a project's folder, or restore it with `git checkout "
                f"{name}`."
            )
    changed = []
    if _update_pipeline(project / _PIPELINE):
        changed.append(_PIPELINE)
    if _update_ignored(project / ".gitignore"):
        changed.append(".gitignore")
    if _update_params(project / PARAMS):
        changed.append(str(PARAMS))
    if _keep_splits(project):
        changed.append(str(memory.FILE))
    return changed


def _keep_splits(project: Path) -> bool:
    """Write the splits of a manifest to splits.csv, which earlier versions did not have.

    DVC removes the manifest before `prepare` runs again.
    """
    if (project / memory.FILE).exists() or not (project / MANIFEST).is_file():
        return False
    given: dict[str, str] = {}  # the split that the user gave each image
    if (project / DATA).is_dir():
        files = scan(project / DATA).files
        own = load(project / DATA / METADATA, {found.path for found in files})
        given = {found.path: own.value(found.path, SPLIT) or found.split for found in files}
    rows = manifest.read(project / MANIFEST)
    images = [
        Image(row[PATH], row[LABEL], row["sha256"], row.get(GROUP, ""), given.get(row[PATH], ""))
        for row in rows
    ]
    known = memory.Memory(memory.drawn_with(config.load(project / PARAMS)))
    known = known.with_images(images, {row[PATH]: row["split"] for row in rows}, accept=False)
    with replacing(project / memory.FILE) as fresh:
        fresh.write_bytes(known.encoded())
    return True


def _update_params(file: Path) -> bool:
    yaml = _yaml()
    own = yaml.load(file.read_text(encoding="utf-8"))
    ours = yaml.load((TEMPLATE / PARAMS).read_text(encoding="utf-8"))
    if changed := _complete(own, ours):
        _dump(yaml, own, file)
    return changed


def _complete(own: Any, ours: Any) -> bool:
    """Add the keys that a section lacks, with what the template says of them, after the key before them."""
    changed, place = False, 0
    for key, value in ours.items():
        if key not in own:
            own.insert(place, key, value)
            if key in ours.ca.items:
                own.ca.items[key] = ours.ca.items[key]
            changed = True
        elif isinstance(value, dict) and isinstance(own[key], dict) and value:
            changed |= _complete(own[key], value)
        place = list(own).index(key) + 1
    return changed


def _yaml() -> YAML:
    yaml = YAML()
    yaml.width = 4096
    yaml.preserve_quotes = True
    return yaml


def _dump(yaml: YAML, content: Any, file: Path) -> None:
    text = io.StringIO()
    yaml.dump(content, text)
    with replacing(file) as fresh:
        fresh.write_text(text.getvalue(), encoding="utf-8")


def _update_pipeline(file: Path) -> bool:
    yaml = _yaml()
    yaml.indent(mapping=2, sequence=4, offset=2)
    own = yaml.load(file.read_text(encoding="utf-8"))
    ours = yaml.load((TEMPLATE / _PIPELINE).read_text(encoding="utf-8"))
    changed = False
    for name, stage in ours["stages"].items():
        before = own["stages"].get(name, {})
        for part in ("deps", "params", "outs"):
            known = {_name(one) for one in stage.get(part, ())} | set(_GONE)
            # A parameter of the user's own stands in a file of the user's own: ours come and go.
            mine = [one for one in before.get(part, ()) if part != "params" or not isinstance(one, str)]
            stage.setdefault(part, []).extend(one for one in mine if _name(one) not in known)
        for key in before:
            if key not in stage:
                stage[key] = before[key]
        if _plain(before) != _plain(stage):
            own["stages"][name] = stage
            changed = True
    if changed:
        _dump(yaml, own, file)
    return changed


def _name(entry: Any) -> str:
    """Of a dependency, an output or a file of parameters, with settings or without."""
    return str(entry if isinstance(entry, str) else next(iter(entry)))


def _plain(stage: Any) -> dict[str, Any]:
    """A stage without what has no meaning: the order of its lists."""
    plain = json.loads(json.dumps(stage))
    return {
        key: sorted(map(json.dumps, value)) if isinstance(value, list) else value
        for key, value in plain.items()
    }


def _update_ignored(file: Path) -> bool:
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    ours = (TEMPLATE / "gitignore").read_text(encoding="utf-8").splitlines()
    missing = [line for line in ours if line not in text.splitlines()]
    # The repository of headstart itself keeps the folder mlruns, and ignores what is in it.
    missing = [line for line in missing if line != "/mlruns" or "/mlruns/*" not in text]
    if text and not text.endswith("\n"):
        text += "\n"
    if missing:
        with replacing(file) as fresh:
            fresh.write_text(text + "".join(f"{line}\n" for line in missing), encoding="utf-8")
    return bool(missing)
