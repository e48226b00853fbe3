"""Tokenizers: trained on a bounded sample, exported twice with equal ids."""
