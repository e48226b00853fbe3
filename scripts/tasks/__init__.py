"""Labelled sets in one form, for fine-tuning, evaluation and decontamination."""
