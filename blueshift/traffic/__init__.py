"""Evidence about requests: prober, metrics, logs, judge."""
