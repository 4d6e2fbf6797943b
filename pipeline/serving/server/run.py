"""Runs the server in the foreground until it is told to stop."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from rich.console import Console

from headstart.components.shared.errors import HeadstartError
from headstart.pipeline.project import SERVING
from headstart.pipeline.serving.server.app import create_app
from headstart.pipeline.serving.server.engine import BATCH, Engine
from headstart.pipeline.serving.server.watcher import Watcher, load

_BACKLOG = 2048  # connections that wait to be accepted
_GRACE = 30  # seconds for requests that are under way when the server is told to stop


@dataclass(frozen=True)
class Options:
    """What the command line sets."""

    host: str
    port: int  # 0 takes any free one
    max_mb: float  # of a request
    batch: bool  # join images of several requests
    leash: bool = False  # stop when standard input ends, as it does when the parent process is killed


class _Server(uvicorn.Server):
    unfinished = 0  # requests that were under way when the grace was over

    async def _wait_tasks_to_complete(self) -> None:
        try:
            await super()._wait_tasks_to_complete()
        finally:  # also where uvicorn cancels this, for the grace is over
            self.unfinished = len(self.server_state.tasks)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on SIGINT and SIGTERM; uvicorn's own way raises them once more after the stop."""
        before = {one: signal.signal(one, self.handle_exit) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


def serve(name: str, model: Path | None, options: Options, console: Console) -> None:
    """Serve a model until SIGINT or SIGTERM; requests that are under way are then finished.

    Args:
        name: of the model, as clients call it; the champion's versions are in `serving/<name>/`.
        model: serve this SavedModel, and nothing else; None serves the champion, and follows it.
        options: where to listen, and how.
        console: gets the address, once the server listens.

    Raises:
        HeadstartError: there is no model, it cannot be loaded, or the address cannot be used.
    """
    if options.leash:
        threading.Thread(target=_stop_with_input, daemon=True).start()
    with _bind(options.host, options.port) as listening:
        engine = Engine(name, None, BATCH if options.batch else 1)
        watcher = _fill(engine, name, model, console)
        with _address_errors(options.host, options.port):
            listening.listen(_BACKLOG)
        app = create_app(engine, int(options.max_mb * 1e6), watcher)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_keep_alive=75,  # longer than load balancers keep a connection
            timeout_graceful_shutdown=_GRACE,
        )
        host, port = listening.getsockname()[:2]
        address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        console.print(f"Serving {name}, version {engine.live.version}: {address}", soft_wrap=True)
        server = _Server(config)
        server.run(sockets=[listening])
    console.print(_last_words(server.unfinished))


def _last_words(unfinished: int) -> str:
    if not unfinished:
        return "Stopped: all requests are answered."
    what = "1 request was" if unfinished == 1 else f"{unfinished} requests were"
    return f"Stopped: {what} not finished within {_GRACE} seconds, and cut off."


def _fill(engine: Engine, name: str, model: Path | None, console: Console) -> Watcher | None:
    if model is None:
        watcher = Watcher(SERVING / name, engine, console.print)
        watcher.look()
        if not engine.is_ready:
            raise HeadstartError(
                f"{SERVING / name} has no model that can be served: run `dvc repro`, or "
                "`dvc repro -f promote` if it was deleted."
            )
        return watcher
    try:
        engine.swap(load(model, int(model.name) if model.name.isdecimal() else 1))
    except Exception as error:  # TensorFlow raises many kinds
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise HeadstartError(
            f"{model} cannot be served ({reason}): name a folder with a SavedModel that headstart made."
        ) from error
    return None


def _stop_with_input() -> None:
    while os.read(0, 1024):  # not sys.stdin, whose lock a waiting thread would hold while Python ends
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _bind(host: str, port: int) -> socket.socket:
    """A socket at the address, taken before the model is loaded."""
    with _address_errors(host, port):
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        bound = socket.socket(family, kind, protocol)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind(address)
        except OSError:
            bound.close()
            raise
        return bound


@contextmanager
def _address_errors(host: str, port: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise HeadstartError(
            f"The server cannot listen at {host}, port {port} ({error.strerror}): choose others with --host "
            "and --port."
        ) from error
