"""The four Dougong engines and the two layers they share (``core`` and ``feel``)."""
