"""What has to happen before heavy libraries are imported."""
