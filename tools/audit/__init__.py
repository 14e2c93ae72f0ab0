"""What the project installs: under which licences, and with which known weaknesses."""
