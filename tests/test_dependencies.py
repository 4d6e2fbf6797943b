"""pyproject.toml declares what the code imports."""

import ast
import re
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
DISTRIBUTIONS = {  # where the name differs by more than a dash
    "PIL": "pillow",
    "absl": "absl-py",
    "google": "protobuf",
    "pydantic_core": "pydantic",
    "ruamel": "ruamel.yaml",
    "sklearn": "scikit-learn",
    "yaml": "pyyaml",
}


def _imported():
    for folder in ("pipeline", "components"):
        for file in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Import):
                    yield from (alias.name for alias in node.names)
                elif isinstance(node, ast.ImportFrom):
                    yield node.module


def test_every_imported_package_is_declared():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.match(r"[\w.-]+", one)[0] for one in project["dependencies"]}
    modules = {name.partition(".")[0] for name in _imported()} - sys.stdlib_module_names - {"headstart"}
    assert len(modules) > 20
    assert {DISTRIBUTIONS.get(one, one.replace("_", "-")) for one in modules} <= declared
