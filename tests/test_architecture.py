"""The map in docs/architecture.md is the tree."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_map_has_every_module_and_folder_once():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```\n(pipeline/\n.*?)```", text, re.DOTALL)
    for name, part in zip(("pipeline", "components"), re.split(r"^components/\n", block, flags=re.MULTILINE)):
        mapped = re.findall(r"^  ([a-z_]+(?:/|\.py))", part, re.MULTILINE)
        there = [
            f"{path.name}/" if path.is_dir() else path.name
            for path in (ROOT / name).iterdir()
            if path.name not in ("__init__.py", "__pycache__")
        ]
        assert sorted(mapped) == sorted(there)


def test_the_shared_modules_are_named():
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    named = text.split("shared/   ", 1)[1].split("```")[0]
    for path in (ROOT / "components/shared").iterdir():
        if not path.name.startswith("__"):
            assert re.search(rf"\b{path.stem}\b", named), path.name
