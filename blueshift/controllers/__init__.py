"""What Blueshift knows about each ingress controller."""
