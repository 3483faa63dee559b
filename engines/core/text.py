"""Texts in several languages, as definitions write them: ``{"zh": "名称", "en": "Name"}``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

FALLBACKS = ("en", "zh")


@dataclass(frozen=True, slots=True)
class LocalizedText:
    """One text in the languages it was written in."""

    # Language code (BCP 47, two letters) to text.
    texts: Mapping[str, str]

    @classmethod
    def of(cls, value: "str | Mapping[str, str] | LocalizedText | None", default: str = "") -> Self:
        """A text from what a definition holds: a map, one string for all languages, or nothing."""
        if isinstance(value, LocalizedText):
            return cls(value.texts)
        if value is None:
            return cls({"": default})
        return cls({"": value} if isinstance(value, str) else dict(value))

    def get(self, locale: str) -> str:
        """The text in ``locale``, else in its main language, else in the first language there is."""
        for key in (locale, locale.split("-")[0].split("_")[0], "", *FALLBACKS):
            if key in self.texts:
                return self.texts[key]
        return next(iter(self.texts.values()), "")
