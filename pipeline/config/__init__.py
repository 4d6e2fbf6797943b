"""`params.yaml`: a model for each section, and the file as a whole."""
