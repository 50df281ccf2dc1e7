"""A real one-machine Kubernetes cluster to try, rehearse and test on."""
