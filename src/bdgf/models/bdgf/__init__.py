"""The method: guided branches with mutual learning, and a classical branch."""
