"""What reports need to know of an app's forms and settings: the bridge between engines that do not know each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property

from builder.definitions.app_definition import SettingDefinition
from engines import feel
from engines.core import LocalizedText
from engines.core.ports import Definitions
from engines.form import FormDefinition
from engines.form.definition import FieldDefinition, OptionDefinition
from engines.form.scope import AROUND, FormTypeContext
from engines.form.types import DEPARTMENT, PERSON, field_types


def shape_of(definitions: Definitions, form: str) -> RecordShape | None:
    """The shape of a form of the app ("order") or of another ("other.order"); None where there is no such form."""
    definition = definitions.get("form", form)
    return RecordShape(definition, definitions) if isinstance(definition, FormDefinition) else None


class RecordShape:
    """Implements the report engine's ``FormShape`` for one form."""

    def __init__(self, form: FormDefinition, definitions: Definitions) -> None:
        self._form = form
        self._definitions = definitions

    @cached_property
    def names(self) -> Mapping[str, feel.FeelType]:
        """Every name that an expression over a record may use."""
        return FormTypeContext(self._definitions, field_types(), self._form).record_scope(self._form).variables

    @property
    def variables(self) -> Collection[str]:
        """The names that are the same for all records."""
        return AROUND.keys()

    def title(self, kind: feel.ContextType) -> str:
        """The title field of the form whose records have type ``kind``; people and departments have a name."""
        if kind in (PERSON, DEPARTMENT):
            return "name"
        form = self._definitions.get("form", kind.name) if kind.name else None
        if isinstance(form, FormDefinition):
            return form.title
        return ""

    def options(self, path: Sequence[str]) -> Mapping[str, LocalizedText]:
        """Labels of the values of the choice field at ``path``, in the order of its options."""
        return {option.name: option.label for option in self._options(path)}

    def tones(self, path: Sequence[str]) -> Mapping[str, str]:
        """Colours of the values of the choice field at ``path``, as far as its options state them."""
        return {option.name: option.color for option in self._options(path) if option.color}

    def views(self) -> Sequence[str]:
        """Names of the form's views."""
        return [view.name for view in self._form.views]

    def _target(self, field: FieldDefinition) -> FormDefinition | None:
        form = self._definitions.get("form", str(field.config.get("form", "")))
        return form if isinstance(form, FormDefinition) else None

    def _options(self, path: Sequence[str]) -> Sequence[OptionDefinition]:
        """The options of the choice field at ``path``; none for any other."""
        form: FormDefinition | None = self._form
        for name in path[:-1]:
            found = form.field(name) if form is not None else None
            form = self._target(found) if found is not None else None
        field = form.field(path[-1]) if form is not None and path else None
        if field is None or not field.option_list:
            return field.options if field is not None else ()
        shared = self._definitions.get("options", field.option_list)
        return shared.options if shared is not None else ()


_SETTING_TYPES: Mapping[str, feel.FeelType] = {
    "text": feel.STRING,
    "choice": feel.STRING,
    "number": feel.NUMBER,
    "boolean": feel.BOOLEAN,
    "date": feel.DATE,
}


def setting_types(settings: Mapping[str, SettingDefinition]) -> Mapping[str, feel.FeelType]:
    """FEEL types of an app's settings by name."""
    return {name: _SETTING_TYPES.get(setting.type, feel.ANY) for name, setting in settings.items()}
