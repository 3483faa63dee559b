"""Regular expressions in the flavour of XPath (XQuery and XPath Functions 3.1 §5.6), exact and bounded."""

from engines.feel.regex.machine import Pattern, compile
from engines.feel.regex.replacing import replace, split
from engines.feel.regex.syntax import RegexError

__all__ = ["Pattern", "RegexError", "compile", "replace", "split"]
