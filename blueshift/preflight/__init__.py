"""The checks: functions of a World and tools, one file per area."""
