"""How images come in: import into `data/`, the folder's layout, metadata, splits."""

from pipeline.data.importing import import_folder

__all__ = ["import_folder"]
