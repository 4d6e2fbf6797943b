"""Everything that talks to MLflow: runs, pictures, models, the registry, its UI."""
