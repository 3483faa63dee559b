"""Definitions of apps as files: reading, checking, editing, layering, compiling. Knows no workspace and no database."""

from builder.definitions.app_definition import AppDefinition, MenuItem, RoleDefinition, SettingDefinition
from builder.definitions.changes import Change, changes_between
from builder.definitions.check import check, check_definitions, errors, require_sound
from builder.definitions.compiled import CompiledApp
from builder.definitions.definitions import AppDefinitions
from builder.definitions.documents import Document, documents_of, source_from, write_json
from builder.definitions.edits import MISSING, Conflict, Edit, Op, apply_edits, join_path, split_path, value_at
from builder.definitions.kinds import Kinds
from builder.definitions.layers import Folded, condense, fold, layer_of, layer_text
from builder.definitions.source import AppSource, DefinitionFile, content_hash, load_folder, source_of

__all__ = [
    "MISSING",
    "AppDefinition",
    "AppDefinitions",
    "AppSource",
    "Change",
    "CompiledApp",
    "Conflict",
    "DefinitionFile",
    "Document",
    "Edit",
    "Folded",
    "Kinds",
    "MenuItem",
    "Op",
    "RoleDefinition",
    "SettingDefinition",
    "apply_edits",
    "changes_between",
    "check",
    "check_definitions",
    "condense",
    "content_hash",
    "documents_of",
    "errors",
    "fold",
    "join_path",
    "layer_of",
    "layer_text",
    "load_folder",
    "require_sound",
    "source_from",
    "source_of",
    "split_path",
    "value_at",
    "write_json",
]
