"""A study's runs side by side in MLflow's UI: a view that is saved with the experiment, and its pages."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

if TYPE_CHECKING:
    from mlflow import MlflowClient

_KEY = "headstart"  # of the view, in its pages' addresses
_TAG = f"mlflow.sharedViewState.{_KEY}"
_NAME = "Last study"
_ACCURACY = "test_accuracy"
_COLUMNS = (
    "params.`strategy`",
    "metrics.`labelled_images`",
    f"metrics.`{_ACCURACY}`",
    "metrics.`train_seconds`",
    "metrics.`tuning_seconds`",
)
_COSTS = ("labelled_images", "train_seconds")  # a chart each, against the accuracy


def save(client: MlflowClient, experiment_id: str, parent_run_id: str) -> None:
    """Save the view of a study in its experiment, in the place of an earlier study's.

    Args:
        client: of the tracking server.
        experiment_id: of the data set.
        parent_run_id: of the study. Its children are shown, also those that are still to come.
    """
    now = int(time.time() * 1000)
    view = {"name": _NAME, "createdAt": now, "updatedAt": now, "state": json.dumps(_state(parent_run_id))}
    client.set_experiment_tag(experiment_id, _TAG, json.dumps(view))


def table_url(client: MlflowClient, server: str, experiment_id: str) -> str:
    """The page of the view as a table, or of all runs where no view was saved."""
    return _url(client, server, experiment_id, "TABLE")


def charts_url(client: MlflowClient, server: str, experiment_id: str) -> str:
    """The page of the view as charts, or of MLflow's own charts where no view was saved."""
    return _url(client, server, experiment_id, "CHART")


def _url(client: MlflowClient, server: str, experiment_id: str, mode: str) -> str:
    # A browser that is new to MLflow shows its pages for language models, unless the address says otherwise.
    query = {"workflowType": "machine_learning", "compareRunsMode": mode}
    if _TAG in client.get_experiment(experiment_id).tags:  # MLflow leaves the page for an unknown view
        query["viewStateShareKey"] = _KEY
    return f"{server}/#/experiments/{experiment_id}/runs?{urlencode(query)}"


def _state(parent_run_id: str) -> dict[str, Any]:
    """The view as MLflow's UI describes it; what is left out has its default there."""
    return {
        "searchFilter": f"tags.`mlflow.parentRunId` = '{parent_run_id}'",
        # Sorted by time, MLflow would add the parent to what was found, and fold the others away under it.
        "orderByKey": f"metrics.`{_ACCURACY}`",
        "orderByAsc": False,
        "selectedColumns": _COLUMNS,
        "columnOrder": ("attributes.`Run Name`", "runDateAndNestInfo", *_COLUMNS),
        "columnWidths": dict.fromkeys(_COLUMNS, 115),
        "runsHiddenMode": "SHOW_ALL",  # else charts show ten runs
        "compareRunCharts": [_chart(cost) for cost in _COSTS],
        # MLflow adds a chart of every metric to the section of the second name.
        "compareRunSections": [_section(_KEY, _NAME, True), _section("metrics", "Model metrics", False)],
    }


def _chart(cost: str) -> dict[str, Any]:
    return {
        "uuid": f"{_KEY}-{cost}",
        "type": "SCATTER",
        "metricSectionId": _KEY,
        "xaxis": {"key": cost, "type": "METRIC"},
        "yaxis": {"key": _ACCURACY, "type": "METRIC"},
        "runsCountToCompare": 100,
        "deleted": False,
        "isGenerated": False,
    }


def _section(uuid: str, name: str, unfolded: bool) -> dict[str, Any]:
    return {"uuid": uuid, "name": name, "display": unfolded, "columns": 2, "isReordered": False}
