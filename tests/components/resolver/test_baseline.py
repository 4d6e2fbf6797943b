"""The baseline is the last blessed model before the candidate."""

from tfx.types import standard_artifacts

from headstart.components.resolver.baseline import LastBlessedBefore


def _model(number, uri=__file__):
    model = standard_artifacts.Model()
    model.id = number
    model.uri = uri
    return model


def _blessing(model, blessed=1):
    blessing = standard_artifacts.ModelBlessing()
    blessing.set_int_custom_property("current_model_id", model)
    blessing.set_int_custom_property("blessed", blessed)
    return blessing


def _resolve(candidate, models, blessings):
    inputs = {
        "candidate": [_model(candidate)],
        "model": list(map(_model, models)),
        "model_blessing": blessings,
    }
    return [model.id for model in LastBlessedBefore().resolve_artifacts(None, inputs)["model"]]


def test_the_latest_blessed_model_is_chosen():
    assert _resolve(9, [1, 2, 3, 9], [_blessing(1), _blessing(2), _blessing(3, blessed=0)]) == [2]


def test_a_candidate_that_was_blessed_before_the_run_was_killed_is_not_its_own_baseline():
    assert _resolve(3, [1, 3], [_blessing(1), _blessing(3)]) == [1]


def test_a_model_that_is_no_longer_there_is_passed_over():
    inputs = {
        "candidate": [_model(9)],
        "model": [_model(1), _model(2, uri="/nowhere/2")],
        "model_blessing": [_blessing(1), _blessing(2)],
    }
    assert [m.id for m in LastBlessedBefore().resolve_artifacts(None, inputs)["model"]] == [1]


def test_the_first_model_has_no_baseline():
    assert _resolve(1, [1], []) == []
