"""Primitives of a picture: the canvas, colours, letters, outlines and colour bars."""
