"""What the manifest may name."""

import pytest

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.data import manifest


def written(folder, path):
    (folder / "manifest.csv").write_text(f"path,label,split\n{path},cat,train\n")
    return folder / "manifest.csv"


@pytest.mark.parametrize("path", ["../a.jpg", "cat/../../a.jpg", "cat/..", "/etc/a.jpg", "//host/a.jpg"])
def test_a_path_that_leaves_the_data_folder_is_refused(tmp_path, path):
    with pytest.raises(HeadstartError, match="leaves the data folder"):
        manifest.read(written(tmp_path, path))


@pytest.mark.parametrize("path", ["cat/a.jpg", "cat/..a.jpg", "cat/a..b/c.jpg", "c: é/1.jpg"])
def test_any_path_inside_is_read(tmp_path, path):
    assert manifest.read(written(tmp_path, path))[0]["path"] == path
