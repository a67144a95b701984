"""What a system can do: fixed points, stability, continuation."""
