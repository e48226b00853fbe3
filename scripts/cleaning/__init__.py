"""Cleaning: measured attributes, filter verdicts, duplicates, contamination, personal data, curated documents."""
