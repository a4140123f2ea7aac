"""What tests, tools and benchmarks share: a running service, its clients, a browser, and files to upload."""
