"""Rules and decisions: a language that reads as sentences, decision tables and graphs, scores, sweeps in SQL.

``load`` a definition by its kind in ``KINDS``, ``validate`` and ``compile`` it against the app's others, then ``run`` a
``RuleSet`` on events, ``decide``, or score records.
"""

from engines.rules.actions import RecordRef
from engines.rules.backtest import Difference, Fired, difference, replay
from engines.rules.calendars import functions as calendar_functions
from engines.rules.compiled import CompiledRule, CompiledRules, CompiledTrigger
from engines.rules.decisions.graph import CompiledDecisions, DecisionResult, DecisionTrace
from engines.rules.decisions.xml_read import XmlModelError, read_xml
from engines.rules.decisions.xml_write import write_xml
from engines.rules.definitions import (
    KINDS,
    compile_decision,
    compile_rules,
    load_decision,
    load_rules,
    run_case_file,
    validate_decision,
    validate_rules,
)
from engines.rules.events import EventKind, RuleData, RuleEvent, RuleResult, RuleState, TimerRequest, TraceEntry
from engines.rules.explaining import Change, Explanation, Term, explain_condition
from engines.rules.explaining_decisions import DecisionExplanation, explain_decision
from engines.rules.explaining_rules import RuleExplanation, Silence, alone, explain_rule, silence
from engines.rules.firing import Firing, carry_out
from engines.rules.lookback import Lookback, NotInOneStatement, absences
from engines.rules.program import RecordMissing
from engines.rules.ruleset import RuleSet, run
from engines.rules.schedules import next_run
from engines.rules.scoping import record_scope
from engines.rules.scores.compiling import CompiledScores, compile_scores
from engines.rules.scores.cuts import CutPoints, Measured, cuts_from_json, cuts_to_json
from engines.rules.scores.running import ScoredRecord, ScorePlan, ScoreRun, score_all, score_one, score_values
from engines.rules.sweeps import Sweep, SweepTime, sweep, where_clause

__all__ = [
    "KINDS",
    "Change",
    "CompiledDecisions",
    "CompiledRule",
    "CompiledRules",
    "CompiledScores",
    "CompiledTrigger",
    "CutPoints",
    "DecisionExplanation",
    "DecisionResult",
    "DecisionTrace",
    "Difference",
    "EventKind",
    "Explanation",
    "Fired",
    "Firing",
    "Lookback",
    "Measured",
    "NotInOneStatement",
    "RecordMissing",
    "RecordRef",
    "RuleData",
    "RuleEvent",
    "RuleExplanation",
    "RuleResult",
    "RuleSet",
    "RuleState",
    "ScorePlan",
    "ScoreRun",
    "ScoredRecord",
    "Silence",
    "Sweep",
    "SweepTime",
    "Term",
    "TimerRequest",
    "TraceEntry",
    "XmlModelError",
    "absences",
    "alone",
    "calendar_functions",
    "carry_out",
    "compile_decision",
    "compile_rules",
    "compile_scores",
    "cuts_from_json",
    "cuts_to_json",
    "difference",
    "explain_condition",
    "explain_decision",
    "explain_rule",
    "load_decision",
    "load_rules",
    "next_run",
    "read_xml",
    "record_scope",
    "replay",
    "run",
    "run_case_file",
    "score_all",
    "score_one",
    "score_values",
    "silence",
    "sweep",
    "validate_decision",
    "validate_rules",
    "where_clause",
    "write_xml",
]
