"""What trains and maps any network that classifies a patch's centre pixel."""
