"""Bases, shared by the components that run them: how they are built and loaded, and where they can be cut."""
