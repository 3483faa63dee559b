"""Sets a PDF with typst: run as a script of its own with limits of memory and time.

``python -I typst_child.py FOLDER FONTS`` sets ``FOLDER/main.typ``, which reads ``data.json`` and pictures beside it and
nothing outside of the folder, into ``FOLDER/out.pdf``; exit code 0, or 3 where it cannot be set.
"""

import os
import sys

MEMORY = 3 * 1024 * 1024 * 1024
SECONDS = 30


def limit():
    """Bounds memory and time of this process, where the system can."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def main(folder, fonts):
    """The exit code."""
    import typst

    limit()
    found = typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[fonts])
    compiler = typst.Compiler(os.path.join(folder, "main.typ"), root=folder, font_paths=found)
    try:
        compiler.compile(output=os.path.join(folder, "out.pdf"), format="pdf")
    except (typst.TypstError, RuntimeError, MemoryError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
