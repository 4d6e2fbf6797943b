"""The study's report: one HTML file, and the same pictures for MLflow and DVC."""
