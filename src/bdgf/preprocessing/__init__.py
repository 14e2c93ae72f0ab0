"""From a scene to what models see: components, decibels, standard deviations."""
