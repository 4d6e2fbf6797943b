"""What a study found, as plain values that the verdict, the report and MLflow read."""
