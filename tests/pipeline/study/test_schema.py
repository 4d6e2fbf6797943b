"""The schema in git: what is kept, what is imported."""

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.study import schema

INFERRED = """
feature { name: "label" type: BYTES domain: "label" presence { min_count: 1 } }
feature { name: "path" type: BYTES domain: "path" }
feature { name: "flash" type: BYTES bool_domain { true_value: "true" false_value: "false" } }
string_domain { name: "label" value: "cat" value: "dög" }
string_domain { name: "path" value: "cat/1.jpg" }
"""


def read(file):
    return text_format.Parse(file.read_text(), schema_pb2.Schema())


@pytest.fixture
def kept(tmp_path):
    (tmp_path / "inferred.pbtxt").write_text(INFERRED)
    (tmp_path / "accepted.json").touch()
    schema.keep("pets", tmp_path / "inferred.pbtxt", tmp_path / "schema.pbtxt")
    return tmp_path / "schema.pbtxt"


def test_the_classes_are_kept_and_no_other_values(kept):
    found = read(kept)
    assert [feature.name for feature in found.feature] == ["label", "path", "flash"]
    assert [feature.WhichOneof("domain_info") for feature in found.feature] == ["domain", None, None]
    assert [(domain.name, list(domain.value)) for domain in found.string_domain] == [
        ("label", ["cat", "dög"])
    ]
    assert "dög" in kept.read_text()


def test_between_accept_and_the_next_run_of_prepare_nothing_is_kept(kept, tmp_path):
    kept.unlink()
    (tmp_path / "accepted.json").unlink()
    schema.keep("pets", tmp_path / "inferred.pbtxt", kept)
    assert not kept.exists()


def test_a_kept_schema_is_never_replaced(kept, tmp_path):
    before = kept.read_text()
    (tmp_path / "other.pbtxt").write_text('feature { name: "other" type: INT }')
    schema.keep("pets", tmp_path / "other.pbtxt", kept)
    assert kept.read_text() == before


def test_the_schema_of_another_data_set_is_not_imported_and_is_replaced(kept, tmp_path):
    assert schema.staged("flowers", [], kept, tmp_path) is None
    (tmp_path / "other.pbtxt").write_text('feature { name: "other" type: INT }')
    schema.keep("flowers", tmp_path / "other.pbtxt", kept)
    assert [feature.name for feature in read(kept).feature] == ["other"]
    assert schema.staged("flowers", [], kept, tmp_path) is not None


def test_the_path_of_the_copy_follows_from_the_content(kept, tmp_path):
    first = schema.staged("pets", [], kept, tmp_path / "work")
    assert read(first) == read(kept)
    assert schema.staged("pets", [], kept, tmp_path / "work") == first
    kept.write_text(kept.read_text().replace("cat", "bird"))
    assert schema.staged("pets", [], kept, tmp_path / "work") != first
    assert schema.staged("pets", [], tmp_path / "absent", tmp_path / "work") is None


def test_a_new_class_that_prepare_let_pass_is_in_the_copy_alone(kept, tmp_path):
    before = kept.read_text()
    label = read(schema.staged("pets", ["owl", "cat"], kept, tmp_path / "work")).feature[0]
    assert list(label.string_domain.value) == ["cat", "dög", "owl"]
    assert kept.read_text() == before


def test_classes_called_true_and_false_can_get_a_third(tmp_path):
    file = tmp_path / "schema.pbtxt"
    file.write_text('feature { name: "label" bool_domain { true_value: "true" false_value: "false" } }')
    label = read(schema.staged("pets", ["maybe"], file, tmp_path)).feature[0]
    assert list(label.string_domain.value) == ["false", "maybe", "true"]


def test_a_damaged_schema_is_refused(kept, tmp_path):
    kept.write_text("<<<<<<< HEAD\n")
    with pytest.raises(HeadstartError, match="git checkout .*schema.pbtxt"):
        schema.staged("pets", [], kept, tmp_path)
