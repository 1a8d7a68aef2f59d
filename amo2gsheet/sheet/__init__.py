"""The one adapter of the Google spreadsheet: how it is reached, asked and written to."""
