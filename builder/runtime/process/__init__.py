"""Process instances: their rows, their tasks, and the shell that steps them inside a command."""
