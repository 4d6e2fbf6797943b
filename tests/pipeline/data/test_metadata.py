import pytest

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.data.metadata import load

KNOWN = {"cat/000.png", "cat/001.png", "dog/000.png"}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "metadata.csv"


def test_an_absent_file_says_nothing(file):
    metadata = load(file, KNOWN)
    assert metadata.columns == () and metadata.value("cat/000.png", "split") == ""


def test_columns_groups_and_splits_are_read_as_excel_writes_them(file):
    file.write_bytes(
        'path,scene,group,split\r\ncat\\000.png,"in, doors",anna,Val\r\n./dog/000.png,,,\r\n'.encode(
            "utf-8-sig"
        )
    )
    metadata = load(file, KNOWN)
    assert metadata.columns == ("scene", "group")
    cells = {p: [metadata.value(p, c) for c in ("scene", "group", "split")] for p in sorted(KNOWN)}
    assert cells == {
        "cat/000.png": ["in, doors", "anna", "validation"],
        "cat/001.png": ["-", "", ""],
        "dog/000.png": ["-", "", ""],
    }


def test_a_file_that_is_not_utf8_is_refused(file):
    file.write_bytes(b"path,scene\ncat/000.png,gr\xfcn\n")
    with pytest.raises(HeadstartError, match="metadata.csv is not a CSV in UTF-8"):
        load(file, KNOWN)


@pytest.mark.parametrize(
    ("header", "row", "word"),
    [
        ("path,scene", "cat/999.png,x", "'cat/999.png', which is not in a class folder"),
        ("file,scene", "cat/000.png,x", "begins with the column 'file'"),
        ("path;scene", "cat/000.png;x", "'path;scene'"),
        ("path,label", "cat/000.png,x", "'label', which headstart makes"),
        ("path,a b", "cat/000.png,x", "column 'a b'"),
        ("path,split", "cat/000.png,later", "split 'later'"),
        ("path,scene", "cat/000.png", "row 2, has 1 cells"),
        ("path,scene", "cat/000.png,x\ncat/000.png,y", "row 3, names 'cat/000.png' a second time"),
    ],
)
def test_metadata_that_does_not_fit_is_refused(file, header, row, word):
    file.write_text(f"{header}\n{row}\n")
    with pytest.raises(HeadstartError) as caught:
        load(file, KNOWN)
    assert word in str(caught.value) and str(file) in str(caught.value)
