"""Benches: each prints and writes figures of one run on the lab, and is no test."""
