"""What a search chose, as a Trainer of the study consumes it: TFX's HyperParameters."""

from __future__ import annotations

import copy
from typing import Any

from headstart.components.shared.errors import HeadstartError

_RATE, _RATES = "learning_rate", "learning_rates"


def overlaid(config: dict[str, Any], hyperparameters: dict[str, Any] | None) -> dict[str, Any]:
    """The custom_config with the values that were chosen.

    Args:
        config: see `run_fn`.
        hyperparameters: KerasTuner's `HyperParameters.get_config()`, its values named `section.setting`; a
            `learning_rate` is the only one of the section's `learning_rates`. None changes nothing.

    Raises:
        HeadstartError: a value is of no section, or of one that this strategy does not read.
    """
    found = copy.deepcopy(config)
    for name, value in (hyperparameters or {}).get("values", {}).items():
        section, _, setting = name.partition(".")
        if section not in found or not setting:
            raise HeadstartError(
                f"tuned.yaml has '{name}', which the strategy {config['strategy']} does not read: run "
                "`headstart tune` again."
            )
        found[section][_RATES if setting == _RATE else setting] = [value] if setting == _RATE else value
    return found
