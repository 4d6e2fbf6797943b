"""The activation store: what a base's frozen part answers for every image, computed once and kept on disk."""
