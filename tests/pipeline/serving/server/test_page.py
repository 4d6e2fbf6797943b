"""The page, in a real browser: a photo is dropped on it, and label and probabilities appear."""

import base64
import re
import shutil
import socket
import subprocess
import threading

import pytest
import uvicorn
from fastapi.responses import HTMLResponse

from headstart.pipeline.serving import models
from headstart.pipeline.serving.server.app import create_app
from tests.pipeline.serving import photos

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = [pytest.mark.slow, pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")]

# Loads the page in a frame of its own origin, and does what a person does; no driver is needed.
PERSON = """<!doctype html><body style="margin:0">
<iframe id=page src=/ style="width:800px;height:900px;border:0"></iframe><script>
  const files = FILES.map(([name, data]) =>
    new File([Uint8Array.from(atob(data), letter => letter.charCodeAt(0))], name));
  document.getElementById("page").onload = event => {
    const page = event.target.contentDocument, transfer = new DataTransfer();
    files.forEach(file => transfer.items.add(file));
    page.getElementById("drop").dispatchEvent(new DragEvent("drop", { dataTransfer: transfer }));
    const look = setInterval(() => {
      if (page.querySelectorAll(".row, .error").length < AWAITED) return;
      clearInterval(look);
      const told = document.createElement("pre");
      told.id = "told";
      told.textContent = page.querySelector("main").innerText;
      document.body.append(told);
    }, 50);
  };
</script>"""


@pytest.fixture
def visit(engine):
    """Drops files on the page of a running server; the text that a person then sees."""
    app = create_app(engine, 1_000_000)
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()

    def drop(files, awaited, *options):
        encoded = [[name, base64.b64encode(data).decode()] for name, data in files.items()]
        page = PERSON.replace("FILES", str(encoded)).replace("AWAITED", str(awaited))
        app.add_api_route("/person", lambda: HTMLResponse(page))
        command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=20000"]
        command += [*options, f"http://127.0.0.1:{listening.getsockname()[1]}/person"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
        found = re.search(r'<pre id="told">(.*?)</pre>', done.stdout, re.DOTALL)
        assert found, done.stdout[-2000:] + done.stderr[-2000:]
        return found[1]

    yield drop
    server.should_exit = True
    thread.join(30)


def test_a_dropped_photo_is_answered_with_label_and_probabilities(visit, folder):
    data = photos.good()["HEIC"]
    text = visit({"beach.heic": data}, 3, "--dump-dom")
    (expected,) = models.predict(folder, [data])
    assert "Model shapes, version 3" in text and "beach.heic" in text
    rows = re.findall(r"(circle|square|stripe)\s+([\d.]+) %", text)
    assert rows == [(name, f"{100 * value:.1f}") for name, value in expected.probabilities.items()]
    assert text.index(expected.label) < text.index("beach.heic")


def test_what_is_no_image_gets_the_server_s_sentence(visit):
    text = visit({"notes.txt": b"a note"}, 1, "--dump-dom")
    assert "The image cannot be used: not an image." in text
