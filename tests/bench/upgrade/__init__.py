"""`make bench-upgrade`: the same upgrade by plain helm, by hand as published, and by Blueshift."""
