"""The traffic generator: an open loop with a ledger row for each request. Starts at `run`."""
