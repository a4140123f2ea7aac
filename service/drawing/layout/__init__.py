"""Layout that several pictures share: tables, panels, layers, legends and sums."""
