"""The composition root and the library API."""
