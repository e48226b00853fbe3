"""Pretraining: from a recipe and token shards to a Hugging Face checkpoint."""
