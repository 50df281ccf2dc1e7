"""Blueshift: zero-downtime upgrades of Kubernetes ingress controllers."""

__version__ = "0.1.0"
