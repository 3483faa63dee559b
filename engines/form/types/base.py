"""What an entry of the field-type registry states, and how values are refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from engines.core import Registry
from engines.feel import FeelType
from engines.form.definition import FieldDefinition

Coerce = Callable[[Any], Any]


class Refused(Exception):
    """A value that a field does not take: ``code`` and what its message needs."""

    def __init__(self, code: str, **params: Any) -> None:
        self.code = code
        self.params = params
        super().__init__(code)


class Storage(StrEnum):
    """How a value is stored; ``engines.feel.storage`` says what each is on each database."""

    TEXT = "text"
    DECIMAL = "decimal"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time"
    INSTANT = "instant"
    DURATION = "duration"
    UUID = "uuid"
    JSON = "json"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredColumn:
    """One column that a field needs."""

    storage: Storage
    precision: int = 0
    scale: int = 0

    @property
    def signature(self) -> str:
        """What identifies the physical column besides its name: a change of it needs a new column."""
        return f"decimal({self.scale})" if self.storage is Storage.DECIMAL else str(self.storage)


class TypeContext(Protocol):
    """What a field type may ask of the forms around it."""

    def form_type(self, form: str) -> FeelType:
        """FEEL type of the records of another form (or of the same)."""

    def row_type(self, fields: Sequence[FieldDefinition]) -> FeelType:
        """FEEL type of the rows of a sub-table."""

    def computed_type(self, field: FieldDefinition) -> FeelType:
        """FEEL type of a field that a formula, lookup or roll-up computes."""


class FieldType:
    """One type of field. A subclass states what it is; the designer, tables and checks are built from that alone."""

    # Name in definitions.
    name: ClassVar[str]
    # Palette group of the designer.
    group: ClassVar[str]
    # JSON Schema properties of its own keys.
    config: ClassVar[Mapping[str, Any]] = {}
    # Own keys that must be there.
    needs: ClassVar[tuple[str, ...]] = ()
    # Whether its values can be one of ``options``.
    has_options: ClassVar[bool] = False
    # Whether people can enter it; computed and numbered fields cannot be.
    enterable: ClassVar[bool] = True
    # Whether lists may sort and filter by it.
    sortable: ClassVar[bool] = True
    # Whether it may be marked unique.
    can_be_unique: ClassVar[bool] = False
    # Whether texts of it can be searched, and sort by pinyin.
    textual: ClassVar[bool] = False

    @property
    def label_key(self) -> str:
        """Key of the type's name in the message catalogue."""
        return f"form.type.{self.name}"

    @property
    def help_key(self) -> str:
        """Key of the sentence that explains the type to designers."""
        return f"form.type.{self.name}.help"

    def feel(self, field: FieldDefinition, around: TypeContext) -> FeelType:
        """FEEL type of the field's values."""
        raise NotImplementedError

    def column(self, field: FieldDefinition) -> StoredColumn | None:
        """The column that holds it; None where nothing is stored in the record's row."""
        raise NotImplementedError

    def coercer(self, field: FieldDefinition) -> Coerce:
        """A function from what came in (never None) to the value kept, None for "empty"; raises ``Refused``."""
        raise NotImplementedError

    def json_schema(self, field: FieldDefinition) -> dict[str, Any]:
        """JSON Schema of a value as the API takes it."""
        raise NotImplementedError

    def empty(self) -> Any:
        """What the field holds when nothing was entered."""
        return None


FieldTypes = Registry[FieldType]


def setting(field: FieldDefinition, key: str, default: Any = None) -> Any:
    """A key of the field's own type."""
    return field.config.get(key, default)
