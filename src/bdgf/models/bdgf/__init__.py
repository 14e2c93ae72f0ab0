"""The method: guided branches in mutual learning, and a classical branch beside them."""
