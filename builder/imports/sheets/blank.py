"""An empty table for filling in: a column for each field, with its choices to pick from."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import BinaryIO

import xlsxwriter

from builder.imports.sheets.mapping import Target
from engines.form.definition import FieldDefinition, OptionDefinition

# What a spreadsheet takes as a list of choices.
_MOST_SIGNS = 250
_ROWS = 1000


def blank_table(
    target: BinaryIO,
    targets: Sequence[Target],
    headings: Sequence[str],
    label: Callable[[FieldDefinition, OptionDefinition], str],
) -> None:
    """Writes a workbook with the headings of ``targets``; what must be filled is bold, choices are offered."""
    with xlsxwriter.Workbook(target, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        needed = book.add_format({"bold": True, "bottom": 1})
        plain = book.add_format({"bottom": 1})
        texts = book.add_format({"num_format": "@"})
        days = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.freeze_panes(1, 0)
        for place, (each, heading) in enumerate(zip(targets, headings, strict=True)):
            kind = each.field.definition.type
            shape = days if kind == "date" else texts if kind in {"text", "phone", "resident_id", "barcode"} else None
            sheet.set_column(place, place, 18, shape)
            sheet.write_string(0, place, heading, needed if each.field.required else plain)
            options = [label(each.field.definition, o) for o in each.field.definition.options if not o.retired]
            if kind == "choice" and options and len(",".join(options)) <= _MOST_SIGNS:
                rule = {"validate": "list", "source": options, "error_type": "warning"}
                sheet.data_validation(1, place, _ROWS, place, rule)
