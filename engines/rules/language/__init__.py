"""The rule language: text ↔ tree ↔ JSON, in English and in Chinese keywords."""

from engines.rules.language.parse import ParsedRules, parse
from engines.rules.language.printer import format_rules, print_rules, print_triggers
from engines.rules.language.tree import Rule, RuleFile
from engines.rules.language.tree_json import from_json, to_json

__all__ = [
    "ParsedRules",
    "Rule",
    "RuleFile",
    "format_rules",
    "from_json",
    "parse",
    "print_rules",
    "print_triggers",
    "to_json",
]
