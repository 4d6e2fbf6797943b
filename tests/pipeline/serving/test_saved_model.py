"""The digest of a SavedModel is that of what it computes with."""

import shutil

import pytest

from headstart.pipeline.serving.saved_model import digest


@pytest.fixture
def model(tmp_path):
    """Files like a SavedModel's; nobody loads them."""
    folder = tmp_path / "model"
    (folder / "variables").mkdir(parents=True)
    (folder / "saved_model.pb").write_text("graph")
    (folder / "variables/variables.index").write_text("index")
    (folder / "variables/variables.data-00000-of-00001").write_text("numbers")
    return folder


def test_a_copy_has_the_digest_of_its_original(model, tmp_path):
    copy = shutil.copytree(model, tmp_path / "elsewhere/7")
    assert digest(copy) == digest(model)
    assert len(digest(model)) == 64


@pytest.mark.parametrize(
    "file", ["saved_model.pb", "variables/variables.index", "variables/variables.data-00000-of-00001"]
)
def test_a_change_of_the_graph_or_of_a_number_changes_it(model, file):
    before = digest(model)
    (model / file).write_text("other")
    assert digest(model) != before


def test_what_servers_ignore_does_not_count(model):
    before = digest(model)
    (model / "assets.extra").mkdir()
    (model / "assets.extra/base.weights.h5").write_text("weights")
    (model / "fingerprint.pb").write_text("written anew by each TensorFlow")
    assert digest(model) == before


def test_a_folder_without_a_model_has_none(tmp_path):
    with pytest.raises(FileNotFoundError):
        digest(tmp_path)
