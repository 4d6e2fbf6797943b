"""How headstart is wired, run and told."""
