"""The regions that a prediction rests on, proven over every combination, and the searches for them."""
