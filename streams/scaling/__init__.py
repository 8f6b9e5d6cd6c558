"""`carillon topics scale`: a stage gets more tasks while the pipeline runs (docs/scaling.md)."""
