"""Contents and problems of a scene: `kedro scene check` without the command."""
