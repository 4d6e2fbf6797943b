"""params.yaml is checked before anything runs."""

import pytest
import yaml

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.config import file as config


@pytest.fixture
def params(tmp_path):
    values = yaml.safe_load(config.PARAMS.read_text(encoding="utf-8"))

    def write(change=lambda values: None):
        change(values)
        path = tmp_path / "params.yaml"
        path.write_text(yaml.safe_dump(values), encoding="utf-8")
        return path

    return write


def _refusal(path):
    with pytest.raises(HeadstartError) as caught:
        config.load(path)
    return str(caught.value)


def test_the_projects_own_parameters_are_valid(params):
    loaded = config.load(params())
    assert loaded.head.dropout == 0.3


def test_an_unknown_key_is_refused_with_the_nearest_valid_name(params):
    path = params(lambda v: v["fine_tune"].update(step=3))
    assert "unknown key 'fine_tune.step', the nearest valid one is 'fine_tune.steps'" in _refusal(path)


def test_the_params_of_an_earlier_version_stop_at_a_new_class_and_warn_of_a_shift(params):
    added = ("new_class", "vanished_class", "shift", "max_shift")
    path = params(lambda v: [v["prepare"].pop(key) for key in added])
    assert config.load(path) == config.load(params())


def test_what_a_new_class_does_is_stop_or_warn(params):
    assert "'prepare.new_class' is 'ignore'" in _refusal(
        params(lambda v: v["prepare"].update(new_class="ignore"))
    )


def test_an_unknown_section_is_refused_with_the_nearest_valid_name(params):
    assert "'finetune', the nearest valid one is 'fine_tune'" in _refusal(
        params(lambda v: v.update(finetune={}))
    )


@pytest.mark.parametrize(
    "address",
    [
        "https://[chat.example/token-of-mine",
        "https://chat.example/token-of-mine /x",
        "https:///token-of-mine",
        "https://chat.example:token-of-mine/x",
        "https://me:token-of-mine@chat.example/x",
        "https://chat.example/token-of-mine-é",
    ],
)
def test_a_hooks_address_that_cannot_be_called_is_refused_without_showing_it(params, address):
    told = _refusal(params(lambda v: v["schedule"].update(on_failure=address)))
    assert "'schedule.on_failure' is not a usable address: write it as https://host/path" in told
    assert "token-of-mine" not in told


@pytest.mark.parametrize("hook", ["", "mail -s 'it failed' me", "https://chat.example:8443/hooks/a?b=c%20d"])
def test_a_hook_is_nothing_a_command_or_an_address(params, hook):
    assert config.load(params(lambda v: v["schedule"].update(on_failure=hook))).schedule.on_failure == hook


def test_an_ill_typed_value_is_refused_with_its_key(params):
    told = _refusal(params(lambda v: v["textbook"].update(epochs="ten")))
    assert "'textbook.epochs' is 'ten'" in told
    assert str(config.PARAMS.name) in told


def test_a_value_out_of_range_is_refused(params):
    assert "'head.dropout' is 1.5" in _refusal(params(lambda v: v["head"].update(dropout=1.5)))


def test_a_missing_key_is_named(params):
    assert "key 'train.seed' is missing" in _refusal(params(lambda v: v["train"].pop("seed")))


def test_fractions_have_to_increase(params):
    assert "fractions" in _refusal(params(lambda v: v["prepare"].update(fractions=[0.5, 0.1])))


def test_a_corrupted_file_is_named_with_its_line(tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text("dataset: x\nbase: [1, 2\n", encoding="utf-8")
    assert "params.yaml:3 is not valid YAML" in _refusal(path)


def test_a_missing_file_says_where_to_run(tmp_path):
    assert "run headstart in a project folder" in _refusal(tmp_path / "params.yaml")


def test_the_configuration_cannot_be_changed(params):
    loaded = config.load(params())
    with pytest.raises(Exception, match="frozen"):
        loaded.head.dropout = 0.5


def test_a_study_needs_a_strategy_that_makes_a_model(params):
    told = _refusal(params(lambda v: v["study"].update(strategies=["random_blocks"])))
    assert "there must be one that makes a model; random_blocks and scratch_blocks are controls" in told
