"""References: what a sceptic would try first, on every subset: cheap classifiers on pixels and embeddings."""
