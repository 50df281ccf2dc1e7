"""Playbooks: YAML with places, what ships."""
