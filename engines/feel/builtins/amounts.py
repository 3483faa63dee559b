"""Amounts in words, as contracts and invoices have them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from engines.feel.builtins.registry import builtin
from engines.feel.runtime import Runtime

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_PLACES = ("", "拾", "佰", "仟")
_GROUPS = ("", "万", "亿", "万亿")
_MOST = Decimal(10) ** 16


@builtin("chinese amount(amount: number) -> string")
def chinese_amount(runtime: Runtime, amount: Decimal) -> str | None:
    """An amount of yuan in Chinese capitals (大写金额), rounded half up to 分; null from 10,000,000,000,000,000 on."""
    if abs(amount) >= _MOST:
        runtime.fail("feel.number_out_of_range")
        return None
    cents = int(abs(amount).quantize(Decimal("0.01"), ROUND_HALF_UP) * 100)
    whole, rest = divmod(cents, 100)
    sign = "负" if amount < 0 and cents else ""
    if not cents:
        return "零元整"
    return sign + (_whole(whole) + "元" if whole else "") + _fraction(rest, bool(whole))


def _fraction(cents: int, behind: bool) -> str:
    """角 and 分; a zero stands for a missing 角 behind yuan, "整" closes what has no 分."""
    tenths, ones = divmod(cents, 10)
    text = f"{_DIGITS[tenths]}角" if tenths else "零" if ones and behind else ""
    return text + (f"{_DIGITS[ones]}分" if ones else "整")


def _whole(number: int) -> str:
    """Yuan in groups of four digits; one zero for any run of them inside."""
    text, gap = "", False
    for index in range(len(_GROUPS) - 1, -1, -1):
        group = number // 10_000**index % 10_000
        if not group:
            gap = bool(text)
            continue
        if text and (gap or group < 1000):
            text += "零"
        text += _group(group) + _GROUPS[index]
        gap = False
    return text.replace("万亿亿", "万亿")


def _group(number: int) -> str:
    text, zero = "", False
    for place in (3, 2, 1, 0):
        digit = number // 10**place % 10
        if digit:
            text += ("零" if zero and text else "") + _DIGITS[digit] + _PLACES[place]
            zero = False
        else:
            zero = True
    return text
