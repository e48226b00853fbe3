"""Curated documents as token ids, and the order in which training reads them."""
