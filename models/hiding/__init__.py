"""Hiding regions of an image: the engine, its cost, and the explanations by hiding."""
