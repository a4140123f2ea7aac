"""The network as arrays, and what explains it. numpy only: no torch, no HTTP.

``docs/mathematics.md`` defines what is computed; from Python it is asked through ``konkyo``.
"""
