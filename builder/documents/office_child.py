"""Reads and fills Word and Excel templates: run as a script of its own with limits of memory and time.

``python -I office_child.py scan FILE`` prints the places of a template as JSON: a text for ``{{ … }}``, and
``[name, [places]]`` for what stands between ``{{#name}}`` and ``{{/name}}`` and is repeated.
``python -I office_child.py fill FILE FOLDER`` writes ``FOLDER/out`` from ``FOLDER/values.json``, whose values stand in
the order of the places: a text, ``{"n": number}``, ``{"d": ISO day}``, ``{"p": file, "w": mm, "h": mm}`` for a picture,
and a list of such lists for what is repeated. Values become texts of the document: none is read as anything else.
"""

import copy
import io
import json
import re
import sys
import zipfile
from datetime import date
from decimal import Decimal

MEMORY = 1536 * 1024 * 1024
SECONDS = 60
MAX_UNPACKED = 200 * 1024 * 1024
MAX_PARTS = 2_000
MAX_PLACES = 2_000
PLACE = re.compile(r"\{\{\s*(.*?)\s*\}\}", re.DOTALL)
BEGIN = re.compile(r"\{\{\s*#\s*([A-Za-z_][\w.]*)\s*\}\}")
MARKER = re.compile(r"\{\{\s*[#/]\s*[A-Za-z_][\w.]*\s*\}\}")
QUOTES = str.maketrans({"\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'", "\u00a0": " "})
W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
EMU = 36_000
BAD_SIGNS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class Broken(Exception):
    """The template cannot be used: code and what its message needs."""

    def __init__(self, code, **params):
        self.told = [code, params]
        super().__init__(code)


def limit():
    """Bounds memory and time of this process, where the system can."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def ending(name):
    """The marker that ends what ``{{#name}}`` begins."""
    return re.compile(r"\{\{\s*/\s*" + re.escape(name) + r"\s*\}\}")


def markers_of(name):
    """Both markers of what is repeated."""
    return re.compile(r"\{\{\s*[#/]\s*" + re.escape(name) + r"\s*\}\}")


def grouped(items, text):
    """Items by turns: ``(None, item)`` for one alone, ``(name, items)`` for those that are repeated."""
    place = 0
    while place < len(items):
        begin = BEGIN.search(text(items[place]))
        if begin is None:
            yield None, items[place]
            place += 1
            continue
        end = ending(begin[1])
        last = next((n for n in range(place, len(items)) if end.search(text(items[n]))), None)
        if last is None:
            raise Broken("document.open_rows", found=begin[0])
        yield begin[1], items[place : last + 1]
        place = last + 1


def places_in(text):
    """What stands in the places of a text, in order; markers are none."""
    found = [match[1].translate(QUOTES) for match in PLACE.finditer(text) if not MARKER.fullmatch(match[0])]
    return found


# ---------------------------------------------------------------------------------------------------- Word


class Word:
    """A .docx template."""

    def __init__(self, path):
        from lxml import etree

        self._etree = etree
        self._archive = checked(path)
        names = self._archive.namelist()
        if "word/document.xml" not in names:
            raise Broken("document.bad_template", reason="no word/document.xml")
        parts = [n for n in names if re.fullmatch(r"word/(document|header\d*|footer\d*)\.xml", n)]
        # The body last, so that its places stand in one order whatever headers there are.
        self._roots = {name: self._parse(name) for name in sorted(parts, reverse=True)}
        self._media = {}
        self._folder = ""

    def _parse(self, name):
        parser = self._etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        return self._etree.fromstring(self._archive.read(name), parser)

    def scan(self):
        return [place for root in self._roots.values() for place in self._scan(self._top(root))]

    def _top(self, root):
        body = root.find(f"{{{W}}}body")
        return list(root if body is None else body)

    def _scan(self, items):
        found = []
        for name, item in grouped(items, self._marks):
            if name is None:
                found += self._scan_one(item)
            else:
                plain = [self._unmarked(copy.deepcopy(each), name) for each in item]
                found.append([name, [place for each in plain for place in self._scan_one(each)]])
        return found

    def _scan_one(self, item):
        if item.tag == f"{{{W}}}p":
            return places_in(text_of(item))
        return self._scan(list(item))

    def _marks(self, item):
        """The text in which markers of repetition count: a paragraph's or a row's, not that of a whole table."""
        if not isinstance(item.tag, str) or item.tag in {f"{{{W}}}tbl", f"{{{W}}}sdt", f"{{{W}}}sdtContent"}:
            return ""
        return "".join(text_of(p) for p in item.iter(f"{{{W}}}p"))

    def fill(self, values, folder):
        self._folder = folder
        queue = iter(values)
        for name, root in self._roots.items():
            self._part = name
            self._fill(self._top(root), queue)
        self._write(f"{folder}/out")

    def _fill(self, items, queue):
        for name, item in grouped(items, self._marks):
            if name is None:
                self._fill_one(item, queue)
            else:
                self._repeat(name, item, next(queue))

    def _unmarked(self, item, name):
        """The item without the markers that repeat it."""
        for paragraph in item.iter(f"{{{W}}}p"):
            replace_in(paragraph, markers_of(name), lambda _match: "")
        return item

    def _repeat(self, name, items, rows):
        first = items[0]
        parent = first.getparent()
        at = parent.index(first)
        for item in items:
            parent.remove(item)
            self._unmarked(item, name)
        # A paragraph that held nothing but a marker is gone.
        kept = [item for item in items if item.tag != f"{{{W}}}p" or text_of(item).strip() or has_more(item)]
        for row in rows:
            queue = iter(row)
            for item in kept:
                made = copy.deepcopy(item)
                parent.insert(at, made)
                at += 1
                self._fill_one(made, queue)

    def _fill_one(self, item, queue):
        if item.tag != f"{{{W}}}p":
            self._fill(list(item), queue)
            return
        pictures = []

        def value(match):
            if MARKER.fullmatch(match[0]):
                return match[0]
            given = next(queue)
            if isinstance(given, dict) and "p" in given:
                pictures.append(given)
                return f"\ue000{len(pictures) - 1}\ue001" if given["p"] else ""
            return shown(given)

        replace_in(item, PLACE, value)
        if pictures:
            self._place_pictures(item, pictures)
        break_lines(item)

    def _place_pictures(self, paragraph, pictures):
        for node in list(paragraph.iter(f"{{{W}}}t")):
            match = re.search("\ue000(\\d+)\ue001", node.text or "")
            if match is None:
                continue
            run = node.getparent()
            before, after = node.text[: match.start()], node.text[match.end() :]
            node.text = before
            drawing = self._drawing(pictures[int(match[1])])
            run.insert(run.index(node) + 1, drawing)
            rest = self._etree.Element(f"{{{W}}}t")
            rest.text = after
            run.insert(run.index(drawing) + 1, rest)

    def _drawing(self, given):
        number = len(self._media) + 1
        rel = f"rIdDougong{number}"
        self._media[f"dougong{number}.png"] = (given["p"], self._part, rel)
        cx, cy = int(given["w"] * EMU), int(given["h"] * EMU)
        return self._etree.fromstring(
            f'<w:drawing xmlns:w="{W}" xmlns:r="{R}" '
            'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
            'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
            'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture">'
            f'<wp:inline><wp:extent cx="{cx}" cy="{cy}"/><wp:docPr id="{9000 + number}" name="picture {number}"/>'
            '<a:graphic><a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic>'
            f'<pic:nvPicPr><pic:cNvPr id="{number}" name="picture {number}"/><pic:cNvPicPr/></pic:nvPicPr>'
            f'<pic:blipFill><a:blip r:embed="{rel}"/><a:stretch><a:fillRect/></a:stretch></pic:blipFill>'
            f'<pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="{cx}" cy="{cy}"/></a:xfrm>'
            '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></pic:spPr></pic:pic></a:graphicData></a:graphic>'
            "</wp:inline></w:drawing>"
        )

    def _write(self, path):
        written = {name: self._etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)
                   for name, root in self._roots.items()}  # fmt: skip
        for file, (source, part, rel) in self._media.items():
            with open(f"{self._folder}/{source}", "rb") as picture:
                written[f"word/media/{file}"] = picture.read()
            rels = f"word/_rels/{part.removeprefix('word/')}.rels"
            written[rels] = self._related(written.get(rels), rels, rel, f"media/{file}")
        if self._media:
            written["[Content_Types].xml"] = self._types()
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
            for part in self._archive.infolist():
                target.writestr(part.filename, written.pop(part.filename, None) or self._archive.read(part))
            for name, content in written.items():
                target.writestr(name, content)

    def _related(self, content, name, rel, target):
        if content is None:
            known = name in self._archive.namelist()
            content = self._archive.read(name) if known else f'<Relationships xmlns="{RELS}"/>'.encode()
        root = self._etree.fromstring(content)
        child = self._etree.SubElement(root, f"{{{RELS}}}Relationship")
        child.set("Id", rel)
        child.set("Type", f"{R}/image")
        child.set("Target", target)
        return self._etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)

    def _types(self):
        root = self._etree.fromstring(self._archive.read("[Content_Types].xml"))
        space = root.tag.partition("}")[0][1:]
        if not any(child.get("Extension", "").lower() == "png" for child in root):
            child = self._etree.Element(f"{{{space}}}Default")
            child.set("Extension", "png")
            child.set("ContentType", "image/png")
            root.insert(0, child)
        return self._etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


def text_of(paragraph):
    """The text of a paragraph, over all its runs."""
    return "".join(node.text or "" for node in paragraph.iter(f"{{{W}}}t"))


def has_more(paragraph):
    """Whether a paragraph holds something besides text: a picture, a break, the end of a section."""
    wanted = {f"{{{W}}}{name}" for name in ("drawing", "pict", "object", "br", "sectPr")}
    return any(node.tag in wanted for node in paragraph.iter())


def replace_in(paragraph, pattern, value):
    """Replaces what ``pattern`` finds in a paragraph's text, which may run over several runs, in the first of them."""
    at = 0
    while True:
        nodes = list(paragraph.iter(f"{{{W}}}t"))
        match = pattern.search("".join(node.text or "" for node in nodes), at)
        if match is None:
            return
        new = BAD_SIGNS.sub("", value(match))
        put(nodes, match.start(), match.end(), new)
        at = match.start() + len(new)


def put(nodes, start, end, new):
    """Puts ``new`` in the place of the text from ``start`` to ``end``, in the node where that begins."""
    at = 0
    for node in nodes:
        text = node.text or ""
        first, last = max(start - at, 0), min(end - at, len(text))
        at += len(text)
        if first < last:
            node.text = text[:first] + new + text[last:]
            node.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")
            new = ""


def break_lines(paragraph):
    """Line ends of values become breaks."""
    for node in list(paragraph.iter(f"{{{W}}}t")):
        if "\n" not in (node.text or ""):
            continue
        run, lines = node.getparent(), node.text.split("\n")
        node.text = lines[0]
        at = run.index(node)
        for line in lines[1:]:
            made = node.makeelement(f"{{{W}}}t", {"{http://www.w3.org/XML/1998/namespace}space": "preserve"})
            made.text = line
            run.insert(at + 1, node.makeelement(f"{{{W}}}br"))
            run.insert(at + 2, made)
            at += 2


def shown(given):
    """A value as text."""
    if isinstance(given, dict):
        return str(given.get("t", given.get("n", given.get("d", ""))))
    return str(given)


# --------------------------------------------------------------------------------------------------- Excel


class Excel:
    """An .xlsx template: rows between markers are repeated, what stands below moves down."""

    def __init__(self, path):
        import openpyxl

        checked(path)
        # Opened here: by a path, its ending would have to tell what it is.
        with open(path, "rb") as file:
            self._book = openpyxl.load_workbook(io.BytesIO(file.read()))

    def scan(self):
        return [place for sheet in self._book.worksheets for place in self._scan(list(sheet.iter_rows()))]

    def _scan(self, rows):
        found = []
        for name, item in grouped(rows, row_text):
            own = [
                place
                for row in ([item] if name is None else item)
                for cell in row
                for place in places_in(cell_text(cell))
            ]
            found += own if name is None else [[name, own]]
        return found

    def fill(self, values, folder):
        queue = iter(values)
        for sheet in self._book.worksheets:
            self._fill(sheet, queue, folder)
        self._book.save(f"{folder}/out")

    def _fill(self, sheet, queue, folder):
        at = 1
        for name, item in list(grouped(list(sheet.iter_rows()), row_text)):
            if name is None:
                self._row(sheet, at, [copy_cell(cell) for cell in item], queue, folder)
                at += 1
                continue
            rows = next(queue)
            model = [[copy_cell(cell) for cell in row] for row in item]
            heights = [sheet.row_dimensions[at + n].height for n in range(len(item))]
            self._shift(sheet, at, len(item), len(rows) * len(item))
            for row in rows:
                inner = iter(row)
                for height, cells in zip(heights, model, strict=True):
                    sheet.row_dimensions[at].height = height
                    self._row(sheet, at, cells, inner, folder)
                    at += 1

    def _shift(self, sheet, at, before, after):
        """Makes room: what stands below the ``before`` rows from ``at`` on moves until ``after`` rows fit."""
        merged = [area for area in sheet.merged_cells.ranges if area.min_row >= at + before]
        for area in merged:
            area.shift(row_shift=after - before)
        heights = {n: d.height for n, d in sheet.row_dimensions.items() if n >= at + before}
        if after > before:
            sheet.insert_rows(at + before, after - before)
        elif after < before:
            sheet.delete_rows(at, before - after)
        for number, height in heights.items():
            sheet.row_dimensions[number + after - before].height = height

    def _row(self, sheet, at, cells, queue, folder):
        for column, (text, style) in enumerate(cells, 1):
            cell = sheet.cell(at, column)
            if type(cell).__name__ == "MergedCell":
                continue
            cell._style = copy.copy(style)
            if not isinstance(text, str) or "{{" not in text:
                cell.value = text
                continue
            self._put(sheet, cell, MARKER.sub("", text), queue, folder)

    def _put(self, sheet, cell, text, queue, folder):
        if PLACE.fullmatch(text.strip()):
            given = next(queue)
            if isinstance(given, dict) and "p" in given:
                self._picture(sheet, cell, given, folder)
            elif isinstance(given, dict) and "n" in given:
                cell.value = Decimal(given["n"])
            elif isinstance(given, dict) and "d" in given:
                cell.value = date.fromisoformat(given["d"])
                if cell.number_format == "General":
                    cell.number_format = "yyyy-mm-dd"
            else:
                write_text(cell, shown(given))
            return
        write_text(cell, PLACE.sub(lambda _match: shown(next(queue)), text))

    def _picture(self, sheet, cell, given, folder):
        from openpyxl.drawing.image import Image

        cell.value = None
        if not given["p"]:
            return
        with open(f"{folder}/{given['p']}", "rb") as file:
            picture = Image(io.BytesIO(file.read()))
        picture.width, picture.height = given["w"] * 96 / 25.4, given["h"] * 96 / 25.4
        sheet.add_image(picture, cell.coordinate)


def write_text(cell, text):
    """A text that is never a formula."""
    clean = BAD_SIGNS.sub("", text)[:32_767]
    cell.value = clean
    if clean:
        cell.data_type = "s"


def cell_text(cell):
    return cell.value if isinstance(cell.value, str) else ""


def row_text(row):
    return "\n".join(cell_text(cell) for cell in row)


def copy_cell(cell):
    return cell.value, cell._style


# ------------------------------------------------------------------------------------------------ commands


def checked(path):
    """The archive, where it is none of those that are made to break readers."""
    archive = zipfile.ZipFile(path)
    parts = archive.infolist()
    if len(parts) > MAX_PARTS or sum(part.file_size for part in parts) > MAX_UNPACKED:
        raise Broken("document.bad_template", reason="too large unpacked")
    for part in parts:
        if part.filename.endswith((".xml", ".rels")) and re.search(
            rb"<!(DOCTYPE|ENTITY)", archive.read(part), re.IGNORECASE
        ):
            raise Broken("document.bad_template", reason=f"entities in {part.filename}")
    return archive


def opened(path):
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
    return Excel(path) if any(name.startswith("xl/") for name in names) else Word(path)


def main(command, path, folder=""):
    """The exit code: 0, or 3 where the template cannot be used."""
    limit()
    try:
        template = opened(path)
        if command == "scan":
            places = template.scan()
            if len(places) > MAX_PLACES:
                raise Broken("document.bad_template", reason="too many places")
            print(json.dumps({"places": places}))
        else:
            with open(f"{folder}/values.json", encoding="utf-8") as file:
                template.fill(json.load(file), folder)
    except Broken as broken:
        print(json.dumps({"error": broken.told}))
        return 3
    except (
        zipfile.BadZipFile,
        KeyError,
        ValueError,
        SyntaxError,
        TypeError,
        IndexError,
        MemoryError,
        OSError,
    ) as error:
        print(json.dumps({"error": ["document.bad_template", {"reason": f"{type(error).__name__}: {error}"[:200]}]}))
        return 3
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
