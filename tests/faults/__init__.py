"""Long trials of what may break a run, started by hand."""
