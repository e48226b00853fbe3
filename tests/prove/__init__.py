"""The long proofs: many kills at random moments, compared with clean builds. `make prove` runs them and writes docs/proofs.md."""
