"""The search by cross-validation before a study (stage `tune`)."""
