"""Listeners to a run's events: live view, plain lines, JSON."""
