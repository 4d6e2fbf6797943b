"""The `headstart` command, one module a group of commands."""
