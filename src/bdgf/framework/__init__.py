"""Integration with Kedro and MLflow: session, loader, hooks, commands, logger."""
