"""Steps, effects, the one loop, the journal and the lease."""
