"""Jobs: due rows and the runners that act on them; the outbox and its channels."""
