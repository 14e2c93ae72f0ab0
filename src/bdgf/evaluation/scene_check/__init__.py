"""What is in a scene, and what of it will hurt: `kedro scene check` without the command."""
