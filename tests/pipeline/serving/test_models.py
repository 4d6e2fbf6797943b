"""Served models: put in place whole, found by the highest number, asked about images."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.data import seen
from headstart.pipeline.data.seen import Seen
from headstart.pipeline.serving import models
from headstart.pipeline.serving.saved_model import digest
from tests.pipeline.saved_model import saved

GRAYS = {"dark.png": 20, "bright.png": 220, "brightest.png": 250}


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch):
    """An empty project folder."""
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def model(tmp_path):
    """Makes files like a SavedModel's; nobody loads them."""

    def make(content):
        folder = tmp_path / "models" / content
        return folder if folder.exists() else saved(folder, content)

    return make


@pytest.fixture(scope="module")
def brightness(tmp_path_factory):
    """A real SavedModel, with the served signature: the brighter the image, the more probably `bright`."""
    import tensorflow as tf

    labels = tf.constant(["dark", "bright", "neither"])

    def mean(encoded):
        return tf.reduce_mean(tf.cast(tf.io.decode_image(encoded, 3, expand_animations=False), tf.float32))

    class Brightness(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="image")])
        def serving_default(self, image):
            bright = tf.map_fn(mean, image, fn_output_signature=tf.float32) / 255
            probabilities = tf.stack([0.9 * (1 - bright), 0.9 * bright, 0.1 * tf.ones_like(bright)], axis=1)
            return {
                "label": tf.gather(labels, tf.argmax(probabilities, axis=-1)),
                "probabilities": probabilities,
                "labels": tf.tile(labels[tf.newaxis], [tf.shape(image)[0], 1]),
            }

    folder = tmp_path_factory.mktemp("brightness") / "model"
    served = Brightness()
    tf.saved_model.save(served, str(folder), signatures={"serving_default": served.serving_default})
    return folder


@pytest.fixture
def files(tmp_path):
    """Image files of one gray each."""
    for name, gray in GRAYS.items():
        Image.new("RGB", (8, 8), (gray, gray, gray)).save(tmp_path / name)
    return [tmp_path / name for name in GRAYS]


def everything_in(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


SEEN = Seen(frozenset({"1" * 64}), frozenset())


@pytest.fixture
def put():
    """Puts a model as the registry's version; `known` are other models that the registry has."""

    def place(made, version, known=()):
        return models.put(made, "shapes", version, SEEN, {digest(made), *map(digest, known)})

    return place


def numbers():
    return sorted(path.name for path in Path("serving/shapes").iterdir())


def test_a_model_gets_the_number_of_its_registered_version(model, put):
    made = model("one")
    place = put(made, "3")
    assert place == Path("serving/shapes/3")
    assert everything_in(place) == ["assets.extra/seen.csv", *everything_in(made)]
    assert digest(place) == digest(made)
    assert seen.read(place / "assets.extra/seen.csv") == SEEN


def test_the_same_version_again_stays_where_it_is(model, put):
    first = put(model("one"), "3")
    (first / "mark").touch()
    assert put(model("one"), "3") == first
    assert (first / "mark").exists() and numbers() == ["3"]


def test_the_version_that_is_replaced_goes_once_the_new_one_is_there(model, put):
    one, two = model("one"), model("two")
    put(one, "1")
    assert put(two, "2", known=[one]).name == "2"
    assert numbers() == ["2"]


def test_an_earlier_version_comes_back_under_its_own_number(model, put):
    one, two = model("one"), model("two")
    put(two, "2")
    place = put(one, "1", known=[two])
    assert place.name == "1" and digest(place) == digest(one)
    assert numbers() == ["1"]


@pytest.mark.parametrize("version", ["1", "10"])
def test_a_model_that_the_registry_does_not_know_stays_and_the_new_one_is_above_it(model, put, version):
    put(model("old"), "10")
    made = model("new")
    place = put(made, version)
    assert place.name == "11" and numbers() == ["10", "11"]
    assert models.champion("shapes") == place
    assert digest(place) == digest(made)
    assert put(made, version) == place and numbers() == ["10", "11"]


def test_a_copy_that_fails_leaves_the_champion_and_no_half_of_a_model(model, put):
    first = put(model("one"), "1")
    broken = model("two")
    (broken / "assets").mkdir()
    (broken / "assets/labels").symlink_to("nowhere")  # cannot be copied
    with pytest.raises(shutil.Error, match="assets/labels"):
        put(broken, "2")
    assert numbers() == ["1"]
    assert models.champion("shapes") == first


def test_what_a_killed_copy_left_is_no_version_and_is_gone_after_the_next(model, put):
    half = Path("serving/shapes/.2.writing")
    half.mkdir(parents=True)
    (half / "saved_model.pb").write_text("half")
    assert models.champion("shapes") is None
    put(model("one"), "2")
    assert numbers() == ["2"]


def test_the_champion_has_the_highest_number_not_the_last_name(model):
    for number in ("9", "10"):
        saved(Path("serving/shapes") / number, number)
    (Path("serving/shapes") / "11").mkdir()  # without a model
    (Path("serving/shapes") / "notes").mkdir()
    assert models.champion("shapes") == Path("serving/shapes/10")
    assert models.champion("other") is None


def test_every_image_gets_its_label_and_the_probability_of_every_class_highest_first(brightness, files):
    dark, bright, brightest = models.predict(brightness, [file.read_bytes() for file in files])
    assert (dark.label, bright.label, brightest.label) == ("dark", "bright", "bright")
    assert list(dark.probabilities) == ["dark", "neither", "bright"]
    assert list(bright.probabilities) == ["bright", "dark", "neither"]
    assert list(brightest.probabilities) == ["bright", "neither", "dark"]
    assert sum(dark.probabilities.values()) == pytest.approx(1.0)
    assert bright.probabilities["bright"] == pytest.approx(0.9 * 220 / 255)


def test_more_images_than_a_batch_are_answered_in_their_order(brightness, files):
    dark, bright, _ = (file.read_bytes() for file in files)
    images = [bright if number % 3 else dark for number in range(2 * models._BATCH + 5)]
    answers = list(models.predict(brightness, iter(images)))
    assert [answer.label for answer in answers] == [
        "bright" if number % 3 else "dark" for number in range(len(images))
    ]


def test_no_image_is_no_answer(brightness):
    assert list(models.predict(brightness, [])) == []


def test_an_image_that_tensorflow_cannot_decode_is_sent_as_one_that_it_can(brightness):
    gray = np.full((8, 8), 240, np.uint8)
    for kind in ("WEBP", "TIFF"):
        encoded = io.BytesIO()
        Image.fromarray(gray).convert("RGB").save(encoded, kind)
        (answer,) = models.predict(brightness, [encoded.getvalue()])
        assert answer.label == "bright"
        assert answer.probabilities["bright"] == pytest.approx(0.9 * 240 / 255, abs=0.01)


def test_the_champion_answers_for_files(brightness, files, put):
    put(brightness, "1")
    assert [answer.label for answer in models.ask_champion("shapes", files)] == ["dark", "bright", "bright"]


def test_without_a_champion_it_is_told_what_makes_one(files):
    with pytest.raises(HeadstartError, match="serving/shapes has no model yet: run `dvc repro`"):
        models.ask_champion("shapes", files)


@pytest.fixture
def served(model, put):
    """A champion that nobody has to load: files are looked at before it is asked."""
    return put(model("one"), "1")


def test_a_file_that_is_absent_is_named(served, files, tmp_path):
    with pytest.raises(HeadstartError, match=r"nowhere\.png is not there: name a JPEG"):
        models.ask_champion("shapes", [files[0], tmp_path / "nowhere.png"])


def _text(file):
    file.write_text("no image")


def _cut_short(file):
    Image.effect_noise((64, 64), 50).save(file, "PNG")
    file.write_bytes(file.read_bytes()[:1000])


def _folder(file):
    file.mkdir()


@pytest.mark.parametrize("make", [Path.touch, _text, _cut_short, _folder])
def test_a_file_that_holds_no_image_is_named(served, files, tmp_path, make):
    make(tmp_path / "holiday.png")
    with pytest.raises(HeadstartError, match=r"holiday\.png cannot be read .*\(.+\): name a JPEG"):
        models.ask_champion("shapes", [files[0], tmp_path / "holiday.png"])


def _icon(file):
    Image.new("RGB", (16, 16)).save(file, "ICO")


def _damaged(file):
    Image.new("RGB", (16, 16)).save(file, "PNG")
    encoded = bytearray(file.read_bytes())
    encoded[encoded.index(b"IDAT") - 1] -= 9  # the length of the pixels' chunk
    file.write_bytes(encoded)


@pytest.mark.parametrize("make", [_icon, _damaged])
def test_an_image_that_cannot_be_used_is_named(brightness, files, tmp_path, make, put):
    put(brightness, "1")
    make(tmp_path / "holiday.png")
    with pytest.raises(HeadstartError, match=r"holiday\.png cannot be read .*\(.+\): name a JPEG"):
        models.ask_champion("shapes", [files[0], tmp_path / "holiday.png"])
