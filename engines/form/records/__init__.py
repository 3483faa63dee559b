"""Records: reading, writing, listing and searching them under rights."""
