"""One fine-tuning by a recipe, and the head that it starts from; `recipe_ablation` compares recipes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import keras
import numpy as np
import tensorflow as tf
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from headstart.components.shared.augment import DRAWS, vary
from headstart.components.shared.base import bases, batchnorm
from headstart.components.shared.base.cuts import blocks, depth_of

SIDE, BATCH = 96, 32
PENALTIES = (1.0, 10.0, 100.0, 1000.0)  # inverse strength, as scikit-learn's C
GRID = 3  # cells a side, of the head that sees several blocks
CLIP = 5.0  # global norm of the gradients
WISE, ESTIMATED = "WiSE-FT 0.5", "BatchNorm re-estimated at the end"
NORMALISE = bases.preprocess("MobileNetV2")

Head = tuple[np.ndarray, np.ndarray]  # kernel and bias


@dataclass(frozen=True)
class Recipe:
    """How to fine-tune; the defaults are the centre."""

    start: Literal["last", "upper", "random"] = "last"  # the head: of the last block, of the upper half
    depth: int = -1  # blocks unfrozen, from the top; -1 is all
    momentum: float | None = 0.9  # of BatchNorm's statistics; None keeps them; gamma and beta are trained
    adamw: bool = False  # instead of SGD with Nesterov momentum 0.9
    rate: float = 0.01
    block_decay: float = 1.0  # of the rate, from block to block towards the input
    cosine: bool = True  # with a warm-up over a tenth of the steps; or a constant rate
    pull: float = 1e-4  # L2 penalty towards the start weights (L2-SP)
    weight_decay: float = 0.0  # decoupled
    smoothing: float = 0.0
    mixup: float = 0.0
    changes: tuple[float, float, float] = (0.1, 0.15, 0.3)  # shift, zoom, contrast
    flips: bool = True  # where the data set allows it
    class_weights: bool = False
    length: float = 1.0  # part of the data set's steps
    seed: int = 0


@dataclass(frozen=True)
class Data:
    """Images uint8 [n, side, side, 3], labels, and the indices of the folds and of the judged images."""

    name: str
    images: np.ndarray
    labels: np.ndarray
    folds: list[np.ndarray]
    judged: np.ndarray
    steps: int
    flip: bool


class Fused(batchnorm.BatchNormalization):
    """BatchNorm that keeps its statistics as they are where its momentum is None."""

    def call(
        self, inputs: tf.Tensor, training: bool | None = None, mask: tf.Tensor | None = None
    ) -> tf.Tensor:
        """As Keras' layer otherwise."""
        return super().call(inputs, training=training and self.momentum is not None, mask=mask)


def load_base() -> keras.Model:
    """MobileNetV2, alpha 0.35, with its weights of 224 px, at `SIDE` pixels."""

    def fused(layer: keras.Layer) -> keras.Layer:
        normalises = isinstance(layer, keras.layers.BatchNormalization)
        return (Fused if normalises else type(layer)).from_config(layer.get_config())

    options = {"alpha": 0.35}
    plain = bases.load("MobileNetV2", "random", SIDE, options)
    base = keras.models.clone_model(plain, clone_function=fused)
    base.set_weights(bases.load("MobileNetV2", "imagenet", 224, options).get_weights())
    return base


def features(base: keras.Model, start: str) -> list[keras.KerasTensor]:
    """What the head sees, flat, a tensor for each block."""
    if start != "upper":
        return [keras.layers.GlobalAveragePooling2D()(base.output)]
    outputs = [block[-1].output for block in blocks(base)]
    pooled = []
    for output in outputs[len(outputs) // 2 :]:
        cell = max(1, output.shape[1] // GRID)
        pooled.append(keras.layers.Flatten()(keras.layers.AveragePooling2D(cell)(output)))
    return pooled


def fit_head(base: keras.Model, data: Data, fold: np.ndarray, start: str) -> tuple[Head, float]:
    """L2 logistic regression on the frozen base, its penalty chosen by cross-validation on the fold.

    Every feature is standardised, and each block's are divided by the root of their number.

    Returns:
        Kernel and bias of a Dense layer on the features as they are; accuracy on the judged images.
    """
    model = keras.Model(base.input, features(base, start))
    parts = tf.nest.flatten(model.predict(_pixels(data, fold), verbose=0))
    root = np.concatenate([np.full(part.shape[1], np.sqrt(part.shape[1])) for part in parts])
    values, labels = np.concatenate(parts, axis=1), data.labels[fold]
    choice = GridSearchCV(
        make_pipeline(
            StandardScaler(),
            FunctionTransformer(lambda standardised: standardised / root),
            LogisticRegression(max_iter=300, tol=1e-3),
        ),
        {"logisticregression__C": PENALTIES},
        cv=StratifiedKFold(5, shuffle=True, random_state=0),
    ).fit(values, labels)
    scaler, _, regression = choice.best_estimator_
    kernel = (regression.coef_ / root / scaler.scale_).T
    bias = regression.intercept_ - scaler.mean_ @ kernel
    judged = np.concatenate(tf.nest.flatten(model.predict(_pixels(data, data.judged), verbose=0)), axis=1)
    accuracy = np.mean((judged @ kernel + bias).argmax(1) == data.labels[data.judged])
    return (kernel, bias), float(accuracy)


def _pixels(data: Data, indices: np.ndarray) -> np.ndarray:
    return NORMALISE(data.images[indices].astype(np.float32))


def tune(
    base: keras.Model, data: Data, fold: np.ndarray, head: Head | None, recipe: Recipe, all_ends: bool
) -> tuple[float, dict[str, float]]:
    """Fine-tune the base, which must have its pretrained weights, by a recipe.

    Returns:
        CPU seconds of the training; accuracy on the judged images, by what is done at the end.
    """
    keras.utils.set_random_seed(recipe.seed)
    scales = _unfreeze(base, recipe)
    parts = features(base, recipe.start)
    seen = keras.layers.Dropout(0.2)(parts[0] if len(parts) == 1 else keras.layers.Concatenate()(parts))
    dense = keras.layers.Dense(int(data.labels.max()) + 1)
    model = keras.Model(base.input, dense(seen))
    if head:
        dense.set_weights(head)
    before = model.get_weights()

    began = time.process_time()
    steps = round(recipe.length * data.steps)
    step = _step(model, _optimizer(recipe, steps), recipe, data, scales)
    for numbers in _batches(data, fold, steps, recipe):
        step(*numbers)
    seconds = time.process_time() - began

    after = model.get_weights()
    judged, truth = _pixels(data, data.judged), data.labels[data.judged]

    def accuracy(weights: list[np.ndarray]) -> float:
        model.set_weights(weights)
        return float(np.mean(model.predict(judged, batch_size=64, verbose=0).argmax(1) == truth))

    ends = {"": accuracy(after)}
    if all_ends:
        ends[WISE] = accuracy([(old + new) / 2 for old, new in zip(before, after)])
        model.set_weights(after)
        _estimate(model, _pixels(data, fold))
        ends[ESTIMATED] = accuracy(model.get_weights())
    return seconds, ends


def _unfreeze(base: keras.Model, recipe: Recipe) -> dict[str, float]:
    """Unfreeze the top blocks, and set BatchNorm's mode; below the cut it stays in inference mode.

    Returns:
        Factors of the rate, by the path of the variable.
    """
    found, base.trainable = blocks(base), True
    top = depth_of(base, recipe.depth)
    scales = {}
    for below, block in enumerate(reversed(found)):
        for layer in filter(lambda item: isinstance(item, keras.layers.Layer), block):
            normalises = isinstance(layer, keras.layers.BatchNormalization)
            layer.trainable = below < top
            if normalises:
                layer.momentum = recipe.momentum
            scales |= {weight.path: recipe.block_decay**below for weight in layer.weights}
    return scales


def _optimizer(recipe: Recipe, steps: int) -> keras.optimizers.Optimizer:
    """Its weight decay is decoupled, as Keras has it."""
    warm, rate = steps // 10, recipe.rate
    if recipe.cosine:
        rate = keras.optimizers.schedules.CosineDecay(
            0.0, steps - warm, warmup_target=recipe.rate, warmup_steps=warm
        )
    decay = recipe.weight_decay or None
    if recipe.adamw:
        return keras.optimizers.AdamW(rate, weight_decay=decay)
    return keras.optimizers.SGD(rate, momentum=0.9, nesterov=True, weight_decay=decay)


def _step(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    recipe: Recipe,
    data: Data,
    scales: dict[str, float],
) -> tf.types.experimental.PolymorphicFunction:
    """One step: images, targets, draws of the augmentation and of mixup."""
    variables = model.trainable_variables
    start = [tf.constant(variable) for variable in variables]
    factors = [scales.get(variable.path, 1.0) for variable in variables]
    flip = data.flip and recipe.flips

    @tf.function(jit_compile=False, autograph=False)
    def step(images: tf.Tensor, targets: tf.Tensor, draws: tf.Tensor, mix: tf.Tensor) -> None:
        images = NORMALISE(vary(images, draws, flip, *recipe.changes))
        if recipe.mixup:
            images = mix[:, None, None, None] * images + (1 - mix[:, None, None, None]) * images[::-1]
            targets = mix[:, None] * targets + (1 - mix[:, None]) * targets[::-1]
        with tf.GradientTape() as tape:
            logits = model(images, training=True)
            loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(targets, logits))
        gradients = tape.gradient(loss, [variable.value for variable in variables])
        pulled = [
            gradient + recipe.pull * (variable.value - old)
            for gradient, variable, old in zip(gradients, variables, start)
        ]
        clipped = tf.clip_by_global_norm(pulled, CLIP)[0]
        optimizer.apply([gradient * factor for gradient, factor in zip(clipped, factors)], variables)

    optimizer.build(variables)
    return step


def _batches(data: Data, fold: np.ndarray, steps: int, recipe: Recipe) -> Iterator[tuple[np.ndarray, ...]]:
    """The same images and draws for all recipes of a seed."""
    order, chance = np.random.default_rng(recipe.seed), np.random.default_rng([recipe.seed, 1])
    targets = np.eye(data.labels.max() + 1, dtype=np.float32)
    if recipe.class_weights:
        counts = np.bincount(data.labels[fold], minlength=len(targets))
        weights = len(fold) / (len(counts) * counts)
    else:
        weights = np.ones(len(targets))
    targets = targets * (1 - recipe.smoothing) + recipe.smoothing / len(targets)
    targets = (targets * weights[:, None]).astype(np.float32)
    left: list[int] = []
    for _ in range(steps):
        if len(left) < BATCH:
            left = list(order.permutation(fold))
        batch, left = left[:BATCH], left[BATCH:]
        draws = order.uniform(-1, 1, (BATCH, DRAWS)).astype(np.float32)
        mix = chance.beta(recipe.mixup, recipe.mixup, BATCH) if recipe.mixup else np.ones(BATCH)
        yield data.images[batch], targets[data.labels[batch]], draws, mix.astype(np.float32)


def _estimate(model: keras.Model, pixels: np.ndarray, passes: int = 4) -> None:
    """Replace BatchNorm's moving statistics by the mean of those of batches of the training images."""
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for layer in layers:
        layer.momentum = 0.0  # the statistics are the last batch's
    run = tf.function(lambda batch: model(batch, training=True))
    order, seen = np.random.default_rng(0), []
    for _ in range(passes):
        shuffled = order.permutation(pixels)
        for first in range(0, len(shuffled) - BATCH + 1, BATCH):
            run(shuffled[first : first + BATCH])
            seen.append([np.array(weight) for layer in layers for weight in layer.non_trainable_weights])
    weights = [weight for layer in layers for weight in layer.non_trainable_weights]
    for weight, values in zip(weights, zip(*seen)):
        weight.assign(np.mean(values, axis=0))
