"""ingress-nginx of kubernetes/ingress-nginx and its forks, charts 3.40 to 4.15 and later."""
