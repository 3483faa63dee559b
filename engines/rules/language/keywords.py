"""The keywords of the rule language: one English and one Chinese phrase each, one to one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Set
from typing import Final

_WORD: Final = re.compile(r"[^\W\d]\w*")
_BLANK: Final = re.compile(r"[ \t]+")

# Terminal of the grammar -> (English, Chinese). Words of a phrase are parted by one space.
KEYWORDS: Final[Mapping[str, tuple[str, str]]] = {
    # The rule and its properties.
    "RULE": ("rule", "规则"),
    "PRIORITY": ("priority", "优先级"),
    "BECOMING": ("only when becoming true", "仅当变为成立"),
    "EVERY_TIME": ("every time", "每次"),
    "COOL_DOWN": ("cool down", "冷却"),
    "VALID_FROM": ("valid from", "生效自"),
    "VALID_UNTIL": ("valid until", "有效至"),
    "OWNED_BY": ("owned by", "归属"),
    "REASON": ("reason", "理由"),
    "STOP_AFTER": ("stop after this", "之后停止"),
    "SWITCHED_OFF": ("switched off", "停用"),
    "WHEN": ("when", "当"),
    "IF": ("if", "如果"),
    "THEN": ("then", "则"),
    "OTHERWISE": ("otherwise", "否则"),
    "END": ("end", "结束"),
    # What happens to records and fields.
    "IS_CREATED": ("is created", "创建时"),
    "IS_UPDATED": ("is updated", "修改时"),
    "IS_SAVED": ("is saved", "保存时"),
    "IS_DELETED": ("is deleted", "删除时"),
    "IS_RESTORED": ("is restored", "恢复时"),
    "CHANGES": ("changes", "变化"),
    "FROM": ("from", "从"),
    "TO": ("to", "到"),
    "RISES_ABOVE": ("rises above", "升过"),
    "REACHES": ("reaches", "达到"),
    "FALLS_BELOW": ("falls below", "跌破"),
    "SINKS_TO": ("sinks to", "降至"),
    # Processes, tasks, messages.
    "PROCESS": ("process", "流程"),
    "TASK": ("task", "任务"),
    "MESSAGE": ("message", "消息"),
    "SIGNAL": ("signal", "信号"),
    "IS_STARTED": ("is started", "启动时"),
    "IS_COMPLETED": ("is completed", "完成时"),
    "IS_CANCELLED": ("is cancelled", "取消时"),
    "IS_CLAIMED": ("is claimed", "签收时"),
    "ARRIVES": ("arrives", "到达时"),
    "WITH_OUTCOME": ("with outcome", "结果为"),
    # Time.
    "AFTER": ("after", "过"),
    "UNLESS": ("unless", "除非"),
    "BY_CALENDAR": ("by calendar", "按日历"),
    "HAS_NO": ("has no", "没有"),
    "WHERE": ("where", "其中"),
    "DATED_BY": ("dated by", "日期取"),
    "FOR": ("for", "持续"),
    "IS_IN": ("is in", "还有"),
    "IS_PAST_BY": ("is past by", "已过"),
    "IS_TODAY": ("is today", "就是今天"),
    "EVERY_LUNAR_YEAR": ("every lunar year", "每农历年"),
    "EVERY_HOUR": ("every hour", "每小时"),
    "EVERY_DAY": ("every day", "每天"),
    "EVERY_WEEK": ("every week", "每周"),
    "EVERY_MONTH": ("every month", "每月"),
    "EVERY_QUARTER": ("every quarter", "每季度"),
    "EVERY_HALF_YEAR": ("every half year", "每半年"),
    "EVERY_YEAR": ("every year", "每年"),
    "CRON": ("by cron", "按定时"),
    "ON_DAY": ("on day", "在第几天"),
    "AT": ("at", "于"),
    "IN_ZONE": ("in zone", "时区"),
    "WORKING_DAYS_ONLY": ("only on working days", "仅工作日"),
    "NEXT_WORKING_DAY": ("moved to next working day", "顺延至工作日"),
    "MINUTES": ("minutes", "分钟"),
    "HOURS": ("hours", "小时"),
    "DAYS": ("days", "天"),
    "WEEKS": ("weeks", "周"),
    "MONTHS": ("months", "个月"),
    "YEARS": ("years", "年"),
    # Loops.
    "FOR_EACH": ("for each", "对每个"),
    "OF": ("of", "属于"),
    "IN": ("in", "在"),
    "DO": ("do", "执行"),
    # Actions.
    "SET": ("set", "设置"),
    "CREATE": ("create", "新建"),
    "UPDATE": ("update", "更新"),
    "DELETE": ("delete", "删除"),
    "ADD_TAG": ("add tag", "添加标签"),
    "REMOVE_TAG": ("remove tag", "移除标签"),
    "ADD_TO_POOL": ("add to pool", "加入池"),
    "REMOVE_FROM_POOL": ("remove from pool", "移出池"),
    "ASSIGN": ("assign", "指派"),
    "ASSIGN_TASK": ("assign task", "下达任务"),
    "NOTIFY": ("notify", "通知"),
    "ASK": ("ask", "征询"),
    "START_PROCESS": ("start process", "启动流程"),
    "SEND_MESSAGE": ("send message", "发送消息"),
    "SEND_SIGNAL": ("send signal", "发出信号"),
    "DECIDE": ("decide", "决策"),
    "RECOMPUTE": ("recompute", "重算"),
    "REFUSE": ("refuse", "拒绝"),
    "CONFIRM": ("ask for confirmation", "要求确认"),
    "WRITE_TIMELINE": ("write to timeline", "写入时间线"),
    "STOP": ("stop", "停止"),
    # Their clauses.
    "WITH": ("with", "包含"),
    "FROM_TEMPLATE": ("from template", "依照模板"),
    "INCLUDING": ("including", "连同"),
    "AS": ("as", "作为"),
    "ON": ("on", "针对"),
    "ROLE": ("role", "角色"),
    "PERSON": ("person", "人员"),
    "MANAGER_OF": ("manager of", "上级"),
    "DEPARTMENT_HEAD_OF": ("department head of", "部门主管"),
    "ADDRESS": ("address", "邮箱"),
    "VIA": ("via", "通过"),
    "USING_TEMPLATE": ("using template", "使用模板"),
    "SAYING": ("saying", "内容"),
    "LEVEL": ("level", "级别"),
    "DUE": ("due", "截止"),
    "FOR_ANSWER": ("for answer", "回答"),
    "REPLYING_WITH": ("replying with message", "回复消息"),
}

# Other spellings that are read but never printed.
ALIASES: Final[Mapping[str, str]] = {
    "minute": "MINUTES",
    "hour": "HOURS",
    "day": "DAYS",
    "week": "WEEKS",
    "month": "MONTHS",
    "year": "YEARS",
}

# What the other terminals are called in messages: terminal -> (English, Chinese).
HUMAN: Final[Mapping[str, tuple[str, str]]] = {
    "NAME": ("a name", "名称"),
    "NUMBER": ("a whole number", "整数"),
    "TEXT": ('a text in quotes, or {zh: "…", en: "…"}', '引号中的文字，或 {zh: "…", en: "…"}'),
    "DATE": ("a date such as 2026-12-31", "日期，如 2026-12-31"),
    "TIME": ("a time such as 09:00", "时间，如 09:00"),
    "EXPRESSION": ("an expression", "表达式"),
    "COMMA": ('","', "“,”"),
    "COLON": ('":"', "“:”"),
    "$END": ("the end of the file", "文件结尾"),
}

LANGUAGES: Final = ("en", "zh")


def phrase(terminal: str, language: str) -> str:
    """How a terminal is spelled (keywords) or called (others) in ``language``."""
    pair = KEYWORDS.get(terminal) or HUMAN.get(terminal, (terminal, terminal))
    return pair[LANGUAGES.index(language)]


def _by_first_word() -> dict[str, list[tuple[tuple[str, ...], str, str]]]:
    table: dict[str, list[tuple[tuple[str, ...], str, str]]] = {}
    spelled = [(text, name, LANGUAGES[i]) for name, pair in KEYWORDS.items() for i, text in enumerate(pair)]
    spelled += [(text, name, "en") for text, name in ALIASES.items()]
    for text, name, language in spelled:
        words = tuple(text.split(" "))
        table.setdefault(words[0], []).append((words, name, language))
    for entries in table.values():
        entries.sort(key=lambda entry: -len(entry[0]))
    return table


# First word -> (all words, terminal, language), longest phrases first.
BY_FIRST_WORD: Final = _by_first_word()


def match_keyword(text: str, position: int, choices: Set[str]) -> tuple[str, int, str] | None:
    """The longest keyword out of ``choices`` at ``position``: terminal, end, language; a dotted word is a name."""
    first = _WORD.match(text, position)
    if first is None:
        return None
    for words, terminal, language in BY_FIRST_WORD.get(first.group(), ()):
        if terminal not in choices:
            continue
        end = _match_words(text, first.end(), words[1:])
        if end and text[end : end + 1] != ".":
            return terminal, end, language
    return None


def _match_words(text: str, position: int, words: tuple[str, ...]) -> int:
    for wanted in words:
        gap = _BLANK.match(text, position)
        word = _WORD.match(text, gap.end()) if gap else None
        if word is None or word.group() != wanted:
            return 0
        position = word.end()
    return position
