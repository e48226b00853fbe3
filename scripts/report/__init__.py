"""The report: one page that shows what a run made."""
