"""The servers that ``benchmarks.serving`` compares: each is started as ``python -m benchmarks.servers.NAME PORT``."""
