"""Makes a small picture: run as a script of its own with limits, since pictures are made to break readers.

``python -I thumbnail_child.py SOURCE TARGET``; exit code 0 when the target was written, 3 when it is no picture.
"""

import sys

EDGE = 320
LARGEST_PIXELS = 80_000_000
MEMORY = 1024 * 1024 * 1024
SECONDS = 10
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF")


def limit() -> None:
    """Bounds memory and time of this process, where the system can."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def main(source: str, target: str) -> int:
    """The exit code."""
    from PIL import Image, ImageOps

    limit()
    Image.MAX_IMAGE_PIXELS = LARGEST_PIXELS // 2  # Pillow refuses at twice this
    try:
        with Image.open(source, formats=FORMATS) as picture:
            picture.draft("RGB", (EDGE * 2, EDGE * 2))
            turned = ImageOps.exif_transpose(picture)
            turned.thumbnail((EDGE, EDGE))
            small = turned.convert("RGBA" if "A" in turned.getbands() or "transparency" in turned.info else "RGB")
            small.save(target, "WEBP", quality=80)
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError, Image.DecompressionBombError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
