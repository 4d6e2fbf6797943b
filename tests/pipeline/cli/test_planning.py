"""What `headstart plan` refuses before it reads anything."""

import pytest
from typer.testing import CliRunner

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.cli.main import application


def _call(*arguments):
    return CliRunner().invoke(application.app, ["plan", *arguments], catch_exceptions=False)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "There is no target: give --target 0.9, --recall CLASS=0.8, or --pool FOLDER"),
        (["--target", "90"], "The target 90 is not between 0 and 1: 90 % is 0.9."),
        (["--recall", "shirt"], "--recall is 'shirt': give a class and its target, such as shirt=0.8."),
        (["--recall", "=0.8"], "--recall is '=0.8': give a class and its target, such as shirt=0.8."),
        (["--recall", "shirt=much"], "--recall is 'shirt=much': give a class and its target"),
    ],
)
def test_a_target_that_is_none_is_refused_with_an_example(arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(HeadstartError) as refused:
        _call(*arguments)
    assert message in str(refused.value)


def test_an_unknown_metric_is_refused_with_those_there_are():
    found = _call("--target", "0.9", "--metric", "auc")
    assert found.exit_code == 2
    assert "macro_f1" in found.output
