"""The lab's own load balancer, where kube-proxy's habits are not the ones that are asked for."""
