"""The tables behind forms: columns, names, plans, indexes."""
