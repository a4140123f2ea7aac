"""The page: its routes, HTML, CSS, JavaScript, and words in two languages."""
