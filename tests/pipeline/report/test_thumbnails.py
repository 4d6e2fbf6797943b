import base64
import io

import numpy as np
import pytest
from PIL import Image

from headstart.pipeline.report.thumbnails import disagreements, thumbnail


def rows(*answers):
    return [
        {"path": path, "label": "cat", "predicted": predicted, "confidence": confidence}
        for path, predicted, confidence in answers
    ]


def decoded(source):
    head, _, data = source.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_both_ways_are_found_the_most_confident_mistakes_first():
    left = rows(
        ("1", "cat", "0.9"), ("2", "cat", "0.5"), ("3", "dog", "0.6"), ("4", "dog", "0.9"), ("5", "cat", "1")
    )
    right = rows(
        ("1", "dog", "0.4"), ("2", "cow", "0.8"), ("3", "cat", "0.9"), ("4", "cow", "0.9"), ("5", "cat", "1")
    )
    found = disagreements(left, right, limit=12)
    assert [(one.path, one.left, one.right) for one in found.only_left] == [
        ("2", "cat", "cow"),
        ("1", "cat", "dog"),
    ]
    assert [(one.path, one.left, one.right, one.confidence) for one in found.only_right] == [
        ("3", "dog", "cat", 0.6)
    ]


def test_what_is_cut_is_still_counted():
    left = rows(*((str(i), "cat", "0.9") for i in range(20)))
    right = rows(*((str(i), "dog", "") for i in range(20)))
    found = disagreements(left, right, limit=3)
    assert [one.path for one in found.only_left] == ["0", "1", "10"] and found.left_count == 20
    assert found.only_right == [] and found.right_count == 0


def test_images_that_one_strategy_has_not_seen_are_left_out():
    assert disagreements(rows(("1", "cat", "1")), rows(("2", "dog", "1")), limit=3).left_count == 0


def test_a_large_photo_becomes_small_and_a_small_one_is_not_enlarged(tmp_path):
    for size, expected in (((400, 200), (96, 48)), ((20, 30), (20, 30))):
        Image.new("RGB", size, "red").save(tmp_path / "photo.jpg")
        assert decoded(thumbnail(tmp_path / "photo.jpg")).size == expected


def test_a_turned_photo_is_upright_and_tells_nothing_of_its_camera(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by 90 degrees
    exif[0x010F] = "a camera"
    Image.new("RGB", (80, 40)).save(tmp_path / "photo.jpg", exif=exif)
    small = decoded(thumbnail(tmp_path / "photo.jpg"))
    assert small.size == (40, 80) and not small.getexif()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_every_kind_of_pixel_becomes_a_jpeg(tmp_path, mode):
    path = tmp_path / ("photo.jpg" if mode == "CMYK" else "photo.png")
    if mode == "I;16":
        Image.fromarray(np.full((8, 8), 40_000, np.uint16)).save(path)
    else:
        Image.new(mode, (8, 8)).save(path)
    assert decoded(thumbnail(path)).mode == "RGB"


def test_what_is_transparent_is_white(tmp_path):
    Image.new("RGBA", (8, 8), (0, 0, 0, 0)).save(tmp_path / "photo.png")
    assert decoded(thumbnail(tmp_path / "photo.png")).getpixel((4, 4)) == (255, 255, 255)


def test_a_file_that_is_absent_or_no_image_has_none(tmp_path):
    assert thumbnail(tmp_path / "absent.png") is None and thumbnail(tmp_path) is None
    (tmp_path / "text.png").write_text("no image")
    assert thumbnail(tmp_path / "text.png") is None
    out = io.BytesIO()
    Image.effect_noise((64, 64), 90).save(out, "JPEG")
    (tmp_path / "half.jpg").write_bytes(out.getvalue()[:300])
    assert thumbnail(tmp_path / "half.jpg") is None
