"""Rules at work: running them on events, carrying out what they want, remembering, sweeping, scoring."""
