"""Results drawn on axes that the caller owns."""
