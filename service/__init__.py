"""The online floor: pictures in, readings and explanations out, as JSON and PNG. Stands on ``models``; no torch."""
