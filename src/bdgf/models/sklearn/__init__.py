"""Random forests and SVMs from scikit-learn on pixel features."""
