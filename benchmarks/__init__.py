"""Measurements side by side. Numbers are ratios within one run."""
