"""The configuration: one strict schema, its defaults, and the checks across fields, all before any work."""
