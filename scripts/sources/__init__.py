"""Sources: bring raw files here and read documents from them, every record accounted for."""
