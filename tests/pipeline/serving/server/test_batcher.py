"""Images of several requests share a call, and no image costs another one its answer."""

import asyncio

import pytest

from headstart.components.image_example_gen.opener import UnusableError
from headstart.pipeline.serving.classifier import Answer
from headstart.pipeline.serving.server.batcher import Batcher, Opened


class Recorder:
    """A classifier that answers with the image's own text, and notes its calls."""

    def __init__(self):
        self.calls = []

    def answer(self, images):
        self.calls.append(list(images))
        for image in images:
            if image.startswith(b"bad"):
                raise UnusableError("TensorFlow cannot decode it")
            if image.startswith(b"odd"):
                raise RuntimeError("out of memory")
        return [Answer(image.decode(), [1.0], [image.decode()]) for image in images]


def run(asked, images=4):
    """Queue pairs of a classifier and an `Opened` at once; what came back, and the batch sizes."""

    async def all_of_them():
        sizes = []
        batcher = Batcher(images, 0.01, sizes.append)
        task = asyncio.create_task(batcher.run())
        waiting = (batcher.answer(classifier, opened) for classifier, opened in asked)
        results = await asyncio.gather(*waiting, return_exceptions=True)
        task.cancel()
        return results, sizes

    return asyncio.run(asyncio.wait_for(all_of_them(), 20))


def opened(*texts, pixels=100):
    return [Opened(text, pixels) for text in texts]


def test_images_that_wait_together_share_calls_of_the_largest_size():
    recorder = Recorder()
    texts = [b"%d" % number for number in range(10)]
    results, sizes = run([(recorder, one) for one in opened(*texts)])
    assert [one.label.encode() for one in results] == texts
    assert sizes == [4, 4, 2]
    assert recorder.calls == [texts[:4], texts[4:8], texts[8:]]


def test_with_a_size_of_one_each_image_has_its_own_call():
    recorder = Recorder()
    _, sizes = run([(recorder, one) for one in opened(b"1", b"2", b"3")], images=1)
    assert sizes == [1, 1, 1]


@pytest.mark.parametrize("bad, kind", [(b"bad", UnusableError), (b"odd", RuntimeError)])
def test_where_a_call_fails_only_the_image_at_fault_fails(bad, kind):
    recorder = Recorder()
    results, _ = run([(recorder, one) for one in opened(b"1", bad, b"3")])
    assert [one.label for one in (results[0], results[2])] == ["1", "3"]
    assert isinstance(results[1], kind)
    assert recorder.calls == [[b"1", bad, b"3"], [b"1"], [bad], [b"3"]]


def test_images_of_two_models_never_share_a_call():
    old, new = Recorder(), Recorder()
    pairs = [(old, b"1"), (old, b"2"), (new, b"3"), (old, b"4")]
    results, sizes = run([(model, Opened(text, 1)) for model, text in pairs])
    assert [one.label for one in results] == ["1", "2", "3", "4"]
    assert (old.calls, new.calls, sizes) == ([[b"1", b"2"], [b"4"]], [[b"3"]], [2, 1, 1])


def test_large_photos_are_spread_over_calls_and_a_huge_one_has_its_own():
    recorder = Recorder()
    images = [
        *opened(b"huge", pixels=100_000_000),
        *opened(b"1", b"2", b"3", pixels=20_000_000),
    ]
    run([(recorder, one) for one in images])
    assert recorder.calls == [[b"huge"], [b"1", b"2"], [b"3"]]


def test_an_image_whose_request_was_refused_is_passed_over():
    async def leave():
        recorder, batcher = Recorder(), Batcher(4, 0.01, lambda _: None)
        left = batcher.answer(recorder, Opened(b"1", 1))
        stays = batcher.answer(recorder, Opened(b"2", 1))
        left.cancel()
        task = asyncio.create_task(batcher.run())
        answer = await stays
        later = await batcher.answer(recorder, Opened(b"3", 1))
        task.cancel()
        return answer.label, later.label, recorder.calls

    assert asyncio.run(asyncio.wait_for(leave(), 20)) == ("2", "3", [[b"2"], [b"3"]])
