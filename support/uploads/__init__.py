"""Pictures and forms that no honest client sends, and what they are built of."""
