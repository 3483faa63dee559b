"""What can be wrong with a form definition."""
