"""Figures of the studies, with matplotlib. They draw what was measured, and measure nothing."""
