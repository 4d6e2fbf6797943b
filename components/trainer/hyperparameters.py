"""What a search chose, as a Trainer of the study consumes it: TFX's HyperParameters."""

from __future__ import annotations

import copy
from typing import Any

from headstart.components.shared.errors import HeadstartError

# Settings that a strategy may get, though its custom_config has none of that name.
_FURTHER = {"head": ("blocks", "grid", "penalty", "balanced")}
_TOGETHER = ("blocks", "grid", "penalty")  # one of them alone names no head
_RATE, _RATES = "learning_rate", "learning_rates"


def overlaid(config: dict[str, Any], hyperparameters: dict[str, Any] | None) -> dict[str, Any]:
    """The custom_config with the values that were chosen.

    Args:
        config: see `run_fn`.
        hyperparameters: KerasTuner's `HyperParameters.get_config()`, its values named `section.setting`; a
            `learning_rate` is the only one of the section's `learning_rates`. None changes nothing.

    Raises:
        HeadstartError: a value is of no section or setting that this strategy reads, or a head is named in
            part.
    """
    found = copy.deepcopy(config)
    for name, value in (hyperparameters or {}).get("values", {}).items():
        section, _, setting = name.partition(".")
        setting = _RATES if setting == _RATE else setting
        own = config.get(section)
        known = {*(own if isinstance(own, dict) else ()), *_FURTHER.get(section, ())}
        if setting not in known:
            raise HeadstartError(
                f"tuned.yaml has '{name}', which the strategy {config['strategy']} does not read: run "
                "`headstart tune` again."
            )
        found.setdefault(section, {})[setting] = [value] if name.endswith(f".{_RATE}") else value
    missing = [name for name in _TOGETHER if name not in found.get("head", {})]
    if 0 < len(missing) < len(_TOGETHER):
        raise HeadstartError(
            f"tuned.yaml has no 'head.{missing[0]}', but another part of the head: run `headstart tune` "
            "again."
        )
    return found
