"""Kubernetes as raw mappings: requests, watches, exec, logs."""
