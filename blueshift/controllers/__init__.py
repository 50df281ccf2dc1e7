"""What Blueshift knows of each ingress controller: one profile per controller."""
