"""Commands: parse, call app, print, map outcomes to exit codes."""
