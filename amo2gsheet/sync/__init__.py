"""The one rule that keeps both sides in step, and what carries it out."""
