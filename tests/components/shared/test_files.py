"""Files and folders appear whole or not at all."""

import pytest

from headstart.components.shared.files import remove, replacing


def test_a_file_takes_the_place_of_the_old_one(tmp_path):
    file = tmp_path / "new" / "file"
    for content in ("one", "two"):
        with replacing(file) as fresh:
            fresh.write_text(content)
            assert not file.exists() or file.read_text() == "one"
        assert file.read_text() == content
    assert list(file.parent.iterdir()) == [file]


def test_a_folder_takes_the_place_of_the_old_one(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "old").write_text("")
    with replacing(folder) as fresh:
        fresh.mkdir()
        (fresh / "new").write_text("")
        assert (folder / "old").exists()
    assert [path.name for path in folder.iterdir()] == ["new"]


def test_where_writing_fails_the_old_content_stays(tmp_path):
    file = tmp_path / "file"
    file.write_text("one")
    with pytest.raises(OSError, match="full"), replacing(file) as fresh:
        fresh.write_text("half")
        raise OSError("full")
    assert file.read_text() == "one"
    assert list(tmp_path.iterdir()) == [file]


def test_what_a_killed_writer_left_is_removed_but_not_what_another_one_writes(tmp_path):
    (tmp_path / ".file.writing").mkdir()
    (tmp_path / ".file.other").write_text("another process")
    with replacing(tmp_path / "file") as fresh:
        fresh.write_text("one")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".file.other", "file"]


def test_a_link_is_removed_and_what_it_leads_to_stays(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "link").symlink_to(folder)
    remove(tmp_path / "link")
    remove(tmp_path / "absent")
    assert list(tmp_path.iterdir()) == [folder]
