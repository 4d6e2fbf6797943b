"""Digests of what code does, so that a change of code re-runs what depends on it, and nothing else.

A digest covers some modules and every module of headstart that they import, directly or not. It is taken
from the syntax tree without comments and docstrings: another layout or wording changes nothing.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import headstart

_ROOT = Path(headstart.__file__).parent
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
_LIBRARIES = ("tfx", "tensorflow", "keras", "scikit-learn", "scipy", "numpy")


def of_modules(*modules: str) -> str:
    """Digest of modules and of all that they import of headstart: 16 hexadecimal digits.

    Args:
        modules: dotted names, as in `headstart.pipeline.study.study`.
    """
    digest = hashlib.sha256()
    for module in sorted(_reachable(modules)):
        digest.update(f"{module} {_tree_digest(module)}\n".encode())
    return digest.hexdigest()[:16]


@cache
def of_component(*modules: str) -> str:
    """Digest for TFX's cache keys: of modules under `headstart.components` and of the libraries' versions."""
    libraries = " ".join(f"{name} {version(name)}" for name in _LIBRARIES)
    code = of_modules(*(f"headstart.components.{module}" for module in modules))
    return hashlib.sha256(f"{code} {libraries}".encode()).hexdigest()[:16]


def _reachable(modules: tuple[str, ...]) -> set[str]:
    seen: set[str] = set()
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module not in seen:
            seen.add(module)
            waiting += _imported(module)
    return seen


@cache
def _imported(module: str) -> frozenset[str]:
    """Modules of headstart that a module imports or names in a string, and the packages that it is in."""
    parents = module.split(".")[:-1]
    found = {".".join(parents[: count + 1]) for count in range(len(parents))}
    for node in _nodes(_tree(module)):
        if isinstance(node, ast.Import):
            found |= {name for alias in node.names if (name := _module(alias.name))}
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"{module} imports relatively, which a digest does not follow")
            found |= {name for alias in node.names if (name := _module(f"{node.module}.{alias.name}"))}
        elif isinstance(node, ast.Constant) and str(node.value).startswith("headstart."):
            found |= {name for name in (_module(str(node.value)),) if name}
    return frozenset(found)


def _nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those under `if TYPE_CHECKING:`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
            continue
        yield node
        yield from _nodes(node)


def _module(dotted: str) -> str | None:
    """The longest beginning of a dotted name that is a module of headstart; None where there is none."""
    parts = dotted.split(".")
    while parts and parts[0] == "headstart":
        if _file(".".join(parts)):
            return ".".join(parts)
        parts.pop()
    return None


def _file(module: str) -> Path | None:
    place = _ROOT.joinpath(*module.split(".")[1:])
    return next((file for file in (place / "__init__.py", place.with_suffix(".py")) if file.is_file()), None)


@cache
def _tree(module: str) -> ast.Module:
    file = _file(module)
    if file is None:
        raise ValueError(f"{module} is no module of headstart")
    tree = ast.parse(file.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:]
    return tree


@cache
def _tree_digest(module: str) -> str:
    digest = hashlib.sha256(repr(_plain(_tree(module))).encode())
    for other in (_ROOT.joinpath(*module.split(".")[1:])).glob("*.jinja"):
        digest.update(other.read_bytes())
    return digest.hexdigest()


def _plain(node: Any) -> Any:
    """A syntax tree as nested tuples, without empty fields: Python's versions differ in these."""
    if isinstance(node, ast.AST):
        fields = ((name, _plain(value)) for name, value in ast.iter_fields(node))
        return (type(node).__name__, *((name, value) for name, value in fields if value not in (None, ())))
    if isinstance(node, list):
        return tuple(_plain(one) for one in node)
    return repr(node) if node is not None else None
