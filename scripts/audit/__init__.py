"""The audit: of what a corpus consists, and whom its filters remove; gates can fail the build."""
