"""TFX components, one folder each; they import neither `pipeline` nor each other."""
