"""The fabricated demo scene: a landscape, and the images that sensors would take of it."""
