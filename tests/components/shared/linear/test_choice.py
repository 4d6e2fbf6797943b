"""The choice finds where the classes are told apart, and what it decides does not depend on chance."""

import numpy as np
import pytest

from headstart.components.shared.linear import choice
from headstart.components.shared.linear.choice import MIDDLE, PENALTIES, choose
from headstart.components.shared.linear.features import InMemory, last_block

BLOCKS, GRIDS = 6, (1, 2)


def _store(informative, images=150, classes=3, seed=0, apart=2.0, width=8):
    """Features that are noise but in some blocks and grids, where classes are apart."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.arange(images) % classes)
    arrays = {}
    for block in range(BLOCKS):
        for grid in GRIDS:
            values = rng.normal(size=(images, width * grid**2))
            if (block, grid) in informative:
                values[:, :classes] += apart * np.eye(classes)[labels]
            arrays[block, grid] = values.astype(np.float16)
    return InMemory(arrays), labels


def _choose(store, labels, **options):
    arguments = {"groups": np.arange(len(labels)), "rows": np.arange(len(labels)), "seed": 0, **options}
    return choose(store, labels, classes=int(labels.max()) + 1, **arguments)


def test_the_last_block_wins_where_the_others_are_noise():
    chosen = _choose(*_store({(5, 1)}))
    assert (chosen.candidate.name, chosen.candidate.grid) == ("last", 1)
    assert chosen.last.accuracy > chosen.early.accuracy + 0.2


def test_all_blocks_win_where_only_the_lowest_knows_the_classes():
    chosen = _choose(*_store({(0, 2)}, apart=4.0))
    assert (chosen.candidate.name, chosen.candidate.grid) == ("all", 2)


def test_an_early_block_that_knows_the_classes_is_reported_but_not_chosen_alone():
    chosen = _choose(*_store({(1, 2)}))
    assert chosen.early.accuracy > chosen.last.accuracy + 0.2
    assert chosen.candidate.name != "early"


def test_noisy_classes_get_a_strong_penalty_and_clear_ones_a_weak_one():
    store, labels = _store({(5, 1)}, apart=0.3)
    clear, clear_labels = _store({(5, 1)}, apart=5.0)
    strong = _choose(store, labels, among=[last_block(store)])
    weak = _choose(clear, clear_labels, among=[last_block(clear)])
    assert strong.penalty < MIDDLE < weak.penalty


def test_the_choice_is_the_lowest_log_loss_of_its_scores():
    chosen = _choose(*_store({(5, 1), (4, 2)}))
    best = min((s for s in chosen.scores if s.candidate.name != "early"), key=lambda s: s.log_loss)
    assert (chosen.candidate, chosen.penalty) == (best.candidate, best.penalty)
    assert {score.penalty for score in chosen.scores} <= set(PENALTIES)


def test_a_given_candidate_is_kept_and_its_penalty_searched():
    store, labels = _store({(0, 2)})
    chosen = _choose(store, labels, among=[last_block(store)])
    assert chosen.candidate == last_block(store)
    assert {score.candidate for score in chosen.scores} == {last_block(store)}
    assert len(chosen.scores) > 1
    assert chosen.early is None


def test_the_same_seed_chooses_the_same():
    store, labels = _store({(4, 1)})
    assert _choose(store, labels) == _choose(store, labels)


def test_groups_that_share_a_class_are_not_learnt_by_heart():
    store, labels = _store(set(), images=60)
    # Ten images of one group are copies: a model that has seen one of them knows the other nine.
    copies = np.arange(60) // 10
    store = InMemory({part: values[copies] for part, values in store._arrays.items()})
    labels = copies % 3
    apart, together = (_choose(store, labels, groups=groups) for groups in (np.arange(60), copies))
    assert max(score.accuracy for score in apart.scores) > 0.95
    assert max(score.accuracy for score in together.scores) < 0.8


def test_one_image_a_class_takes_the_last_block_without_scores():
    store, labels = _store(set(), images=3)
    chosen = _choose(store, labels)
    assert (chosen.candidate, chosen.penalty, chosen.scores) == (last_block(store), MIDDLE, ())
    assert chosen.folds == 0


def test_a_class_of_one_image_does_no_harm():
    store, labels = _store({(5, 1)})
    labels[0] = 3
    assert _choose(store, labels).candidate.name == "last"


def test_many_images_are_sampled_by_class(monkeypatch):
    monkeypatch.setattr(choice, "IMAGES", 30)
    monkeypatch.setattr(choice, "SCORED", 12)
    store, labels = _store({(5, 1)})
    chosen = _choose(store, labels)
    assert (chosen.images, chosen.scored, chosen.folds) == (30, 12, 2)


@pytest.mark.parametrize("classes", [2, 12])
def test_few_and_many_classes_are_chosen_for(classes):
    store, labels = _store({(5, 2)}, classes=classes, width=12, apart=4.0)
    assert _choose(store, labels).candidate.name == "last"


def test_a_balanced_choice_counts_every_class_the_same():
    store, labels = _store({(5, 1)}, apart=1.0, images=240)
    rows = np.concatenate([np.flatnonzero(labels == label)[:count] for label, count in enumerate((80, 8, 8))])
    plain, even = (_choose(store, labels, rows=np.sort(rows), balanced=one) for one in (False, True))
    assert even.scores[0].candidate == plain.scores[0].candidate
    # Guessing costs ln 3 a class where each counts the same, and less where one has most images.
    assert even.best.log_loss > plain.best.log_loss
    assert even.best.accuracy < plain.best.accuracy


def test_with_even_classes_a_balanced_choice_is_the_plain_one():
    store, labels = _store({(4, 1)})
    assert _choose(store, labels, balanced=True) == _choose(store, labels)
