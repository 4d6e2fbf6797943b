"""The hyperparameters that the Tuner chose, laid over a Trainer's custom_config."""

from __future__ import annotations

from typing import Any

from headstart.components.shared.errors import HeadstartError

NAMES = {
    "fine_tune": ("unfreeze_depth", "batchnorm", "learning_rates", "steps"),
    "scratch": ("learning_rates", "weight_decay"),
    "head": ("blocks", "grid", "penalty", "balanced"),
}
_TOGETHER = ("head.blocks", "head.grid", "head.penalty")  # one of them alone names no head
# The random base of a control has other good blocks than the pretrained one; textbook and gradual have a
# dense head.
_READ = {
    "frozen": ("head",),
    "fine_tune": ("fine_tune", "head"),
    "scratch": ("scratch",),
    "scratch_blocks": ("scratch",),
}


def overlay(config: dict[str, Any], found: dict[str, Any] | None) -> dict[str, Any]:
    """A custom_config with the hyperparameters that its strategy reads; the rest of them is ignored.

    Args:
        config: the custom_config; it stays as it is.
        found: the config of a keras_tuner.HyperParameters, as TFX's `fn_args.hyperparameters` has it; its
            `values` are named `<section>.<name>` as in `NAMES`. A learning rate is a single number. None
            changes nothing.

    Raises:
        HeadstartError: a name that is not in `NAMES`, or a head that is named in part.
    """
    if found is None:
        return config
    values = found["values"]
    known = {f"{section}.{name}" for section, names in NAMES.items() for name in names}
    if unknown := sorted(set(values) - known):
        raise HeadstartError(
            f"The hyperparameters have {unknown[0]}, which no Trainer reads: name {', '.join(sorted(known))}."
        )
    missing = [name for name in _TOGETHER if name not in values]
    if 0 < len(missing) < len(_TOGETHER):
        raise HeadstartError(f"The hyperparameters lack {missing[0]}: name all of {', '.join(_TOGETHER)}.")
    changed = dict(config)
    for section in _READ.get(config["strategy"], ()):
        own = {name: values[f"{section}.{name}"] for name in NAMES[section] if f"{section}.{name}" in values}
        if own.get("learning_rates", "auto") != "auto":
            own["learning_rates"] = [own["learning_rates"]]
        if own:
            changed[section] = {**config.get(section, {}), **own}
    return changed
