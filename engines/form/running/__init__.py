"""The parts of one run of the pipeline: what was given, taking, computing, checking."""
