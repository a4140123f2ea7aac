"""HTTP: what surrounds every request, and how errors become answers."""
