"""What makes the documents: examples, reference, gallery, screenshots, and the long reliability runs."""
