"""Helm made safe: pyhelm3 without its traps, release records, values."""
