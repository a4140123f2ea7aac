"""Request handling: the four steps from a request with an image to its answer."""
