"""Explanations of whole data sets, as Parquet files: in shards, on one machine or on many."""
