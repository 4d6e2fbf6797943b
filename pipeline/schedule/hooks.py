"""Hooks: a webhook or a command that learns what came of a run."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console
from rich.markup import escape

from headstart.pipeline.config.schedule import is_webhook

_SECONDS = 60.0  # a hook that takes longer is given up


def call(hook: str, facts: dict[str, str], log: Path, console: Console) -> None:
    """Call a hook; one that fails is reported and changes nothing.

    Args:
        hook: an address of HTTP, which gets a POST with the facts as JSON; or a command for the shell,
            which gets them as JSON on its standard input and as variables `HEADSTART_…`. Empty: nothing.
        facts: event, project, dataset and so on.
        log: gets what the command prints.
        console: told of a failure, without the address, which may hold a secret.
    """
    if not hook:
        return
    webhook = is_webhook(hook)
    what = f"webhook at {urlsplit(hook).hostname}" if webhook else f"command `{hook}`"
    body = json.dumps(facts)
    try:
        if webhook:
            _post(hook, body)
        else:
            _run(hook, body, {f"HEADSTART_{name.upper()}": value for name, value in facts.items()}, log)
    except (OSError, ValueError, http.client.HTTPException, subprocess.SubprocessError) as error:
        why = _told(error) if webhook else f"{error}; its output is in {log}"
        console.print(
            f"[yellow]The hook on_{facts['event']} failed[/] ({escape(f'{what}: {why}')}). "
            "The run's result stays as it is.",
            soft_wrap=True,
        )


def _post(address: str, body: str) -> None:
    headers = {"Content-Type": "application/json", "User-Agent": "headstart"}
    request = urllib.request.Request(address, body.encode(), headers)
    with urllib.request.urlopen(request, timeout=_SECONDS):
        pass  # urlopen raises where the status is an error


def _told(error: Exception) -> str:
    """An error of a webhook, without its words, which may have the address."""
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP status {error.code}"
    reason = error.reason if isinstance(error, urllib.error.URLError) else error
    return type(reason).__name__


def _run(command: str, body: str, variables: dict[str, str], log: Path) -> None:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as output:
        print("$", command, file=output, flush=True)
        process = subprocess.Popen(
            command,
            shell=True,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **variables},
            text=True,
            start_new_session=True,
        )
        try:
            process.communicate(body, timeout=_SECONDS)
        except BaseException:  # too long, or Ctrl-C
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    if process.returncode:
        raise subprocess.SubprocessError(f"it exited with {process.returncode}")
