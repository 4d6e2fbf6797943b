"""The HTTP server of `headstart serve`."""
