"""`report.html`: the results of a run as one file for browsers, phones and printers."""
