"""Readers: one module per kind of text, each a pure generator over one raw file."""
