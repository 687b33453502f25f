"""Programs that keep the house in order; not shipped."""
