"""Request handling: from a request with an image to its answer."""
