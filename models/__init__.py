"""The ground floor: the network as arrays, and what explains it. numpy only."""

__version__ = "0.2.0"
