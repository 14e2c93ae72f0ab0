"""Which labelled pixels train, validate and test."""
