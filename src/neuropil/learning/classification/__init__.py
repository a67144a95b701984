"""Networks that learn to tell samples apart: images, front ends and training of many seeds."""
