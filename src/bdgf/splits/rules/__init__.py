"""Which labelled pixels train and test: one file a rule, all of the same signature."""
