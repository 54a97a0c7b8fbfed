"""Files written whole."""
