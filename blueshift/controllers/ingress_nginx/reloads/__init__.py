"""What ingress-nginx does with a change: the comparison that its controller makes, made beforehand."""
