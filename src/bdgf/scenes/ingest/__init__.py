"""Raw files to a Scene."""
