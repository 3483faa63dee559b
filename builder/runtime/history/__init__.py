"""What has happened to a record, and why a value is what it is."""
