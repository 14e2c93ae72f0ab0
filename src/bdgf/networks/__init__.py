"""The classifier: selective scan, branches, guides, mutual learning, decision."""
