"""Rights beside the definitions: shared records, what somebody may see and why, looking through their eyes."""
