"""The classical branch: logistic regression and extremely randomised trees on few numbers."""
