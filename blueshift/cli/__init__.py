"""The commands. Each file parses, calls `app` or `lab`, and prints; it holds no logic."""
