"""One file per step kind of a playbook."""
