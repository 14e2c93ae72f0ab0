"""The shell over the science: Kedro's session, loader, hooks and commands, MLflow's logger."""
