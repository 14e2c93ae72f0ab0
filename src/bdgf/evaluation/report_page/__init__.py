"""`report.html`: what came of a run as one file that a browser shows, a phone too, or prints."""
