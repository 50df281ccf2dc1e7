"""One look at the cluster and DNS: the World."""
