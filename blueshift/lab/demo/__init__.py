"""`blueshift lab demo`: a whole upgrade in a lab's world under constant traffic, and what came of it."""
