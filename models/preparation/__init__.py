"""From a picture of any size to the image that a network takes, and reasons to doubt that image."""
