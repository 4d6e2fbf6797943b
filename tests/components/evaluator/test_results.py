"""What is read from an evaluation."""

from headstart.components.evaluator.results import _slice


def test_an_accuracy_is_the_exact_quotient_of_its_counts():
    """254 of 269 in float32 is a little more than in float64: a tie would look like a gain."""
    values = {
        "": {"": {"example_count": {"doubleValue": 269.0}, "accuracy": {"doubleValue": 0.9442379474639893}}}
    }
    assert _slice((), values).metrics == {"accuracy": 254 / 269}
