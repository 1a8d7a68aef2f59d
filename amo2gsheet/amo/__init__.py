"""The amoCRM side: HTTP, tokens and what the JSON means."""
