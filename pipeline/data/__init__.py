"""Images: import into `data/`, layout, facts, metadata, and the stage `prepare`: splits and the manifest."""
