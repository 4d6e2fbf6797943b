"""Train the demo's base on the source task, letters, and keep what of it is of use elsewhere."""

from __future__ import annotations

import json
import math
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from headstart.pipeline.config.images import Pretrain

if TYPE_CHECKING:
    import keras
    from rich.progress import Progress as Bar

VALIDATION = 2000  # scenes, drawn from a seed of their own
WARM_UP = 0.1  # part of all steps over which the learning rate rises


def pretrain(config: Pretrain, out: Path, image_size: int = 32) -> dict[str, Any]:
    """Train `compact` and a softmax on letters, and save the weights of `compact` alone.

    Beside the weights, a card `<name>.json` tells how they came about. Each file appears whole or not at all.

    Args:
        config: the `pretrain` section of params.yaml.
        out: the weights file, `<name>.weights.h5`; its folder is made.
        image_size: pixels, that of the scenes.

    Returns:
        What the card says: `val_accuracy` on scenes not trained on, `seconds` of training, `scene_seconds`
        of drawing, `classes`, `parameters` of the base, and the settings.

    Raises:
        ValueError: `image_size` is not that of the scenes.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    from headstart.components.shared.base.compact import compact, preprocess_input
    from headstart.pipeline.demo import letters, scenes

    if image_size != scenes.SIZE:
        raise ValueError(f"letters are drawn at {scenes.SIZE} pixels, not at {image_size}.")
    keras.utils.set_random_seed(config.seed)
    tf.config.experimental.enable_op_determinism()

    began = time.monotonic()
    images, labels = letters.generate(config.scenes, config.seed)
    validation = letters.generate(VALIDATION, config.seed + 1)
    drawn = time.monotonic()

    base = compact((image_size, image_size, 3))
    inputs = keras.Input((image_size, image_size, 3))
    features = keras.layers.GlobalAveragePooling2D()(base(preprocess_input(inputs)))
    model = keras.Model(inputs, keras.layers.Dense(len(letters.LETTERS), activation="softmax")(features))
    model.compile(_optimizer(config), "sparse_categorical_crossentropy", metrics=["accuracy"])
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        history = model.fit(
            _batches(images, labels, config),
            epochs=config.epochs,
            validation_data=_batches(*validation),
            callbacks=[_progress(bar, _steps(config))],
            verbose=0,
        )
    card = {
        "val_accuracy": round(history.history["val_accuracy"][-1], 4),
        "train_accuracy": round(history.history["accuracy"][-1], 4),
        "seconds": round(time.monotonic() - drawn, 1),
        "scene_seconds": round(drawn - began, 1),
        "classes": letters.LETTERS,
        "parameters": base.count_params(),
        "settings": config.model_dump(),
    }
    _save(base, card, out)
    return card


def _steps(config: Pretrain) -> int:
    return config.epochs * math.ceil(config.scenes / config.batch_size)


def _batches(images: Any, labels: Any, config: Pretrain | None = None) -> Any:
    """A tf.data.Dataset of float32 [batch, h, w, 3] and labels [batch]; shuffled where a config is given."""
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((images, labels))
    if config is not None:
        data = data.shuffle(len(images), seed=config.seed)
    data = data.batch(config.batch_size if config else 256)
    return data.map(lambda x, y: (tf.cast(x, tf.float32), y), num_parallel_calls=2).prefetch(2)


def _optimizer(config: Pretrain) -> keras.Optimizer:
    """AdamW; the learning rate warms up, then falls to zero along a cosine."""
    import keras

    steps = _steps(config)
    warm_up = max(1, round(WARM_UP * steps))
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        decay_steps=max(1, steps - warm_up),
        warmup_target=config.learning_rate,
        warmup_steps=warm_up,
    )
    return keras.optimizers.AdamW(schedule, weight_decay=config.weight_decay)


def _progress(bar: Bar, steps: int) -> keras.callbacks.Callback:
    """Move a bar at every batch and say the validation accuracy after every epoch."""
    import keras

    task = bar.add_task("pretraining on letters", total=steps)

    def tell(epoch: int, logs: dict[str, float]) -> None:
        bar.update(task, description=f"epoch {epoch + 1}: validation accuracy {logs['val_accuracy']:.3f}")

    return keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: bar.advance(task), on_epoch_end=tell
    )


def _save(base: keras.Model, card: dict[str, Any], out: Path) -> None:
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".pretrain-", dir=out.parent) as temporary:
        weights, told = Path(temporary) / out.name, Path(temporary) / "card.json"
        base.save_weights(weights)
        told.write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        weights.replace(out)
        told.replace(out.with_name(out.name.removesuffix(".weights.h5") + ".json"))
