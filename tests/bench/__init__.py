"""What runs cost, measured on this machine: `python -m tests.bench`, or with the names of single cases."""
