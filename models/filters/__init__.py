"""What each filter pair adds to each class: of one image, of its whole process, and over the training images."""
