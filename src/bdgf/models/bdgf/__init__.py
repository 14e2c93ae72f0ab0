"""The method: guided branches that teach one another, and a classical branch beside them."""
