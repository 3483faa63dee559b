"""Searching all apps: groups by form, marks, and rights before limit and count."""

from __future__ import annotations

import re

import pytest

from .tasks import Company, company, running

__all__ = ["company", "running"]


def page_of(company: Company, login: str, query: str) -> str:
    answer = company.enter(login).get(f"/search/?{query}")
    assert answer.status_code == 200
    return str(answer.get_data(as_text=True))


def test_what_is_found_is_grouped_and_marked(company: Company) -> None:
    company.add("重点客户合同审核", note="<b>bold</b> words about Contracts and more")
    page = page_of(company, "kim", "q=客户合同")
    assert "重点<mark>客户合同</mark>审核" in page
    page = page_of(company, "kim", "q=contracts")
    assert "about <mark>Contracts</mark> and" in page
    assert "<b>bold</b>" not in page
    assert "Tasks" in page


@pytest.mark.parametrize("words", ["%", '"', "* OR 1", "客", "a" * 500, "<script>alert(1)</script>", "x AND (", "''"])
def test_odd_words_are_only_words(company: Company, words: str) -> None:
    company.add("Ash")
    page = company.enter("kim").get("/search/", query_string={"q": words})
    assert page.status_code == 200
    assert "<script>alert" not in page.get_data(as_text=True)


def test_rights_come_before_limit_and_count(company: Company) -> None:
    for number in range(8):
        company.add(f"Needle {number}", urgent=number == 0)
    assert re.search(r'<span class="count">8</span>', page_of(company, "kim", "q=needle"))
    assert page_of(company, "kim", "q=needle").count("<mark>Needle</mark>") == 5
    seen = page_of(company, "vic", "q=needle")
    assert re.search(r'<span class="count">1</span>', seen)
    assert seen.count("<mark>Needle</mark>") == 1
    assert "Needle 1" not in seen.replace("<mark>", "").replace("</mark>", "")
    assert "Nothing was found" in page_of(company, "out", "q=needle")
    assert "Nothing was found" in page_of(company, "kim", "q=no+such+words+anywhere")
    assert "Needle" in page_of(company, "kim", "q=needle&app=gallery")


def test_visitors_search_nothing(company: Company) -> None:
    assert company.app.test_client().get("/search/?q=x").status_code == 302


def test_initials_find_names(company: Company) -> None:
    company.add("北京银行")
    assert "北京银行" in page_of(company, "kim", "q=bjyh")
