"""Scores of trained models, each with its uncertainty and a baseline."""
