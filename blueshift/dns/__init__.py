"""DNS: authoritative reading and compare-and-swap writing."""
