"""The ways to move traffic between two sides."""
