"""Few pixels are decoded at the same time, and no request waits for ever."""

import asyncio
import time

from fastapi.testclient import TestClient

from headstart.components.shared.features import MAX_PIXELS
from headstart.pipeline.serving.classifier import Answer
from headstart.pipeline.serving.server import engine as engines
from headstart.pipeline.serving.server.app import create_app
from headstart.pipeline.serving.server.engine import Engine, Model
from headstart.pipeline.serving.server.room import Room
from tests.pipeline.serving import photos

PNG = photos.good()["PNG"]
PIXELS = 40 * 30


def test_those_who_wait_get_room_in_the_order_in_which_they_came():
    async def in_order():
        room, order = Room(10), []

        async def take(name, pixels):
            await room.take(pixels)
            order.append(name)

        await take("first", 6)
        tasks = [asyncio.create_task(take(name, size)) for name, size in (("large", 10), ("small", 1))]
        await asyncio.sleep(0.01)
        assert order == ["first"]
        room.give_back(6)
        await asyncio.sleep(0.01)
        assert order == ["first", "large"]
        room.give_back(10)
        await asyncio.gather(*tasks)
        return order

    assert asyncio.run(asyncio.wait_for(in_order(), 20)) == ["first", "large", "small"]


def test_an_image_has_its_room_until_tensorflow_is_done_with_it(monkeypatch):
    inside = []
    opened = engines.for_graph

    class Slow:
        def answer(self, images):
            time.sleep(0.02)
            peaks.append(len(inside))
            del inside[: len(images)]
            return [Answer("one", [1.0], ["one"]) for _ in images]

    def entering(encoded, checked):
        inside.append(encoded)
        peaks.append(len(inside))
        return opened(encoded, checked)

    peaks = []
    monkeypatch.setattr(engines, "for_graph", entering)
    engine = Engine("shapes", Model(3, Slow()))
    engine.batcher.room = Room(2 * PIXELS)
    with TestClient(create_app(engine, 1_000_000)) as client:
        response = client.post("/predict", files=[("image", ("x", PNG))] * 20)
    assert len(response.json()["predictions"]) == 20
    assert max(peaks) <= 2


def test_requests_that_are_refused_give_their_room_back(client, engine):
    for bad in photos.bad().values():
        files = [("image", ("x", one)) for one in (PNG, bad, PNG, *photos.good().values())]
        assert client.post("/predict", files=files).status_code == 400
    assert client.post("/predict", files={"image": PNG}).status_code == 200
    assert engine.batcher.room._free == MAX_PIXELS
