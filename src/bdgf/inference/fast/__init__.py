"""A small dense network distilled from a trained model, which maps instead of it."""
