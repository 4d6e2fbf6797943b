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


def test_other_folds_leave_the_digest_of_the_examples_as_it_is(tmp_path):
    file = tmp_path / "manifest.csv"
    marks = []
    for row in ("a,cat,1,s", "a,cat,2,s", "a,dog,2,s"):
        file.write_text(f"path,label,fold,sha256\n{row}\n")
        marks.append((manifest.fingerprint(file), manifest.examples_fingerprint(file)))
    assert len({whole for whole, _ in marks}) == 3
    assert marks[0][1] == marks[1][1] != marks[2][1]


@pytest.mark.parametrize("path", ["cat/a.jpg", "cat/..a.jpg", "cat/a..b/c.jpg", "c: é/1.jpg"])
def test_any_path_inside_is_read(tmp_path, path):
    assert manifest.read(written(tmp_path, path))[0]["path"] == path
