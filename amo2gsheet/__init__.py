"""Keep amoCRM leads and one Google Sheet tab in step."""

__version__ = "0.1.0"
