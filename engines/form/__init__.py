"""Forms and their records: definitions, the one way in for data, real tables, rights in every query."""

from engines.core import Kind
from engines.form.checks.views import view_choices, view_keys, view_needs
from engines.form.compiled import CompiledField, CompiledForm, CompiledPermission, Mode
from engines.form.compiler import compile, qualify
from engines.form.definition import (
    ACCESS_LEVELS,
    FieldDefinition,
    FormDefinition,
    LayoutDefinition,
    LayoutItem,
    SortDefinition,
    ViewDefinition,
)
from engines.form.events import EVENTS
from engines.form.load import OptionListDefinition, load, load_options
from engines.form.pipeline import FormInput, FormResult, run
from engines.form.records.conditions import OPERATORS, PERIODS, to_feel
from engines.form.records.duplicates import Duplicate
from engines.form.records.explaining import RecordReasons, reasons
from engines.form.records.grouping import Group, Groups
from engines.form.records.past import PastChange, PastRecords, changes, versions
from engines.form.records.personal import PersonalValue
from engines.form.records.query import ListQuery
from engines.form.records.record import (
    MASK,
    BatchResult,
    Count,
    FieldChange,
    Page,
    Record,
    RecordChange,
    RecordVersion,
)
from engines.form.records.records import Records
from engines.form.records.references import choice_condition
from engines.form.records.rights import Rights
from engines.form.records.search import FoundRecord, SearchGroup, SearchHit, search_words
from engines.form.records.source import FormSource, authorised_select, own_source
from engines.form.records.world import DirectoryTables, FormSet
from engines.form.schema_builder import form_schema, options_schema
from engines.form.scope import SYSTEM_FIELDS
from engines.form.storage.advice import report_index
from engines.form.storage.indexes import IndexSpec, create_index
from engines.form.storage.physical import MemoryPhysicalNames, PhysicalNames
from engines.form.storage.plan import Change, Impact, Plan, apply, form_indexes, plan
from engines.form.storage.tables import StoredForm
from engines.form.types import AttachmentType, FieldType, FieldTypes, field_types
from engines.form.types.structure import is_kind
from engines.form.validate import validate, validate_options
from engines.form.values import to_json

KINDS: dict[str, Kind] = {
    "form": Kind(
        name="form",
        suffix=".form.json",
        schema=form_schema(field_types()),
        load=load,
        validate=validate,
        compile=compile,
    ),
    "options": Kind(
        name="options",
        suffix=".options.json",
        schema=options_schema(),
        load=load_options,
        validate=validate_options,
        compile=lambda definition, definitions, registry=None: definition,
    ),
}
MESSAGES = "engines.form"

__all__ = [
    "ACCESS_LEVELS",
    "EVENTS",
    "KINDS",
    "MASK",
    "MESSAGES",
    "OPERATORS",
    "PERIODS",
    "SYSTEM_FIELDS",
    "AttachmentType",
    "BatchResult",
    "Change",
    "CompiledField",
    "CompiledForm",
    "CompiledPermission",
    "Count",
    "DirectoryTables",
    "Duplicate",
    "FieldChange",
    "FieldDefinition",
    "FieldType",
    "FieldTypes",
    "FormDefinition",
    "FormInput",
    "FormResult",
    "FormSet",
    "FormSource",
    "FoundRecord",
    "Group",
    "Groups",
    "Impact",
    "IndexSpec",
    "LayoutDefinition",
    "LayoutItem",
    "ListQuery",
    "MemoryPhysicalNames",
    "Mode",
    "OptionListDefinition",
    "Page",
    "PastChange",
    "PastRecords",
    "PersonalValue",
    "PhysicalNames",
    "Plan",
    "Record",
    "RecordChange",
    "RecordReasons",
    "RecordVersion",
    "Records",
    "Rights",
    "SearchGroup",
    "SearchHit",
    "SortDefinition",
    "StoredForm",
    "ViewDefinition",
    "apply",
    "authorised_select",
    "changes",
    "choice_condition",
    "compile",
    "create_index",
    "field_types",
    "form_indexes",
    "form_schema",
    "is_kind",
    "load",
    "load_options",
    "options_schema",
    "own_source",
    "plan",
    "qualify",
    "reasons",
    "report_index",
    "run",
    "search_words",
    "to_feel",
    "to_json",
    "validate",
    "validate_options",
    "versions",
    "view_choices",
    "view_keys",
    "view_needs",
]
