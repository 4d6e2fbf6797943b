"""Anomalies become an error that names the feature."""

import pandas as pd
import pytest
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx.components.example_validator import labels
from tfx.types import standard_component_specs

from headstart.components.example_validator.executor import Executor, describe
from headstart.components.shared.errors import HeadstartError


def _statistics(values, column="label"):
    return tfdv.generate_statistics_from_dataframe(pd.DataFrame({column: values}))


@pytest.fixture
def validate(tmp_path):
    def run(training, others):
        inputs = {
            standard_component_specs.STATISTICS_KEY: others,
            standard_component_specs.SCHEMA_KEY: tfdv.infer_schema(training),
            "custom_validation_config": None,  # TFX 1.16 asks for it, 1.21 does not know it
        }
        return Executor()._Validate(inputs, {labels.SCHEMA_DIFF_PATH: str(tmp_path)})

    return run


def test_a_class_that_the_training_split_lacks_stops_the_run(validate):
    with pytest.raises(HeadstartError, match=r"label: .*bird"):
        validate(_statistics(["cat", "dog"] * 5), _statistics(["cat", "bird"] * 5))


def test_data_that_fits_passes(validate):
    assert not validate(_statistics(["cat", "dog"] * 5), _statistics(["dog", "cat"] * 3)).anomaly_info


def test_a_slice_value_that_the_training_split_lacks_is_no_anomaly(validate):
    validate(_statistics(["day", "dusk"] * 5, "light"), _statistics(["day", "night"] * 5, "light"))


def test_a_column_that_is_missing_stops_the_run(validate):
    with pytest.raises(HeadstartError, match="light"):
        validate(_statistics(["day", "dusk"] * 5, "light"), _statistics(["cat"] * 5))


def test_a_column_that_is_new_is_no_anomaly(validate):
    both = pd.DataFrame({"label": ["cat", "dog"] * 5, "light": ["day", "night"] * 5})
    validate(_statistics(["cat", "dog"] * 5), tfdv.generate_statistics_from_dataframe(both))


def test_no_anomaly_is_nothing_to_say():
    assert describe(anomalies_pb2.Anomalies()) == []
