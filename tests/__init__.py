"""The suites, and what they are made of."""
