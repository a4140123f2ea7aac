"""Imaging: from the bytes of an image file to the array that the network takes."""
