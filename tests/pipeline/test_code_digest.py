"""What a digest of code follows, and what it passes over."""

import json
from pathlib import Path

import pytest
import yaml

from headstart.pipeline import code_digest
from headstart.pipeline.cli import stages

ROOT = Path(__file__).parents[2]


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A small package in headstart's place; returns the function that writes its modules."""
    monkeypatch.setattr(code_digest, "_ROOT", tmp_path)

    def write(**modules):
        for name, text in modules.items():
            (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        code_digest._imported.cache_clear()
        code_digest._tree.cache_clear()
        code_digest._tree_digest.cache_clear()
        return code_digest.of_modules("headstart.a")

    write(__init__="", a="", b="X = 1\n")
    yield write
    code_digest._imported.cache_clear()
    code_digest._tree.cache_clear()
    code_digest._tree_digest.cache_clear()


CODE = '"""Doc."""\n\n\ndef f(x):\n    """Doc."""\n    return x + 1  # one more\n'


def test_comments_docstrings_and_layout_change_nothing(package):
    before = package(a=CODE)
    assert package(a="def f( x ):\n\n    return (x + 1)\n") == before
    assert package(a=CODE.replace("Doc.", "Another.")) == before


def test_a_change_of_code_changes_it(package):
    assert package(a=CODE) != package(a=CODE.replace("1", "2"))


@pytest.mark.parametrize(
    "a",
    [
        "from headstart.b import X\n",
        "from headstart import b\n",
        "import headstart.b\n",
        "def f():\n    from headstart import b\n",
        "RUN = 'headstart.b.run_fn'\n",
    ],
)
def test_it_follows_imports_and_names_of_modules_in_strings(package, a):
    before = package(a=a)
    assert package(b="X = 2\n") != before


def test_it_does_not_follow_imports_for_type_checkers(package):
    before = package(a="from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from headstart import b\n")
    assert package(b="X = 2\n") == before


def test_a_relative_import_is_refused(package):
    with pytest.raises(ValueError, match="imports relatively"):
        package(a="from .b import X\n")


def test_no_stage_depends_on_the_code_of_another():
    reach = {stage: code_digest._reachable((module,)) for stage, module in stages.STAGES.items()}
    for stage, modules in reach.items():
        assert not modules & (set(stages.STAGES.values()) - {stages.STAGES[stage]}), stage
    assert "headstart.pipeline.tracking.served_model" in reach["study"]


def test_the_projects_code_json_is_that_of_this_code():
    known = json.loads((ROOT / stages.FILE).read_text(encoding="utf-8"))
    assert known == stages.digests(ROOT), "run `make digests`"


def test_the_lock_is_of_this_code():
    lock = yaml.safe_load((ROOT / "dvc.lock").read_text(encoding="utf-8"))["stages"]
    recorded = {stage: lock[stage]["params"]["code.json"][stage] for stage in lock}
    assert recorded == stages.digests(ROOT), "renew dvc.lock, see CONTRIBUTING.md"


def test_it_names_the_stages_that_will_run_again(tmp_path):
    (tmp_path / "dvc.yaml").write_text("stages: {prepare: {}, study: {}, theirs: {}}", encoding="utf-8")
    assert stages.changed(tmp_path) == ["prepare", "study"]
    stages.write(tmp_path)
    assert stages.changed(tmp_path) == []
    known = json.loads((tmp_path / stages.FILE).read_text(encoding="utf-8"))
    (tmp_path / stages.FILE).write_text(json.dumps({**known, "study": "0"}), encoding="utf-8")
    assert stages.changed(tmp_path) == ["study"]
