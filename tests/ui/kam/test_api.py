"""Step 8: the same through the API, with a token that a person makes in the browser."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from openapi_spec_validator import validate
from playwright.sync_api import APIRequestContext, Page

from tests.ui.conftest import assert_accessible

from .company import LANGUAGES, Company

pytestmark = pytest.mark.browser
FORMS = "/api/v1/apps/kam/forms"


@pytest.mark.parametrize("language", LANGUAGES)
def test_records_and_tasks_through_the_api(company: Company, open_page: Callable[..., Page], language: str) -> None:
    page = open_page(locale=LANGUAGES[language])
    call, outside = caller(company, page, "li_na", "write"), page.context.request
    described = call("GET", "/api/openapi.json")
    validate(described.json())
    assert "post" in described.json()["paths"][f"{FORMS}/order/records"]
    assert "post" not in described.json()["paths"][f"{FORMS}/product/records"]

    (account,) = company.all("account", 'code = "A0001"')
    product = company.all("product")[0]["id"]
    line = {"product": str(product), "quantity": 1, "price": 123456.78}
    given = {"number": "API-1", "account": str(account["id"]), "date": "2026-11-20", "lines": [line]}
    made = call("POST", f"{FORMS}/order/records", given)
    assert made.status == 201, made.text()
    order = call("GET", made.headers["location"]).json()
    assert order["values"]["amount"] == 123456.78
    listed = call("GET", f'{FORMS}/order/records?filter=number = "API-1"').json()
    assert [item["id"] for item in listed["items"]] == [order["id"]]
    refused = call("POST", f"{FORMS}/order/records", {**given, "date": "soon"})
    assert refused.status == 422
    assert [problem["pointer"] for problem in refused.json()["problems"]] == ["/date"]

    (other,) = company.all("account", 'code = "A0002"')
    assert call("GET", f"{FORMS}/account/records/{other['id']}").status == 404
    assert call("POST", f"{FORMS}/product/records", {"code": "X", "name": "X"}).status == 403
    assert outside.get(f"{company.address}{FORMS}/order/records").status == 401
    assert outside.get(f"{company.address}/api/openapi.json", headers={"Authorization": "Bearer dgt_no"}).status == 401

    # The order lifts the account over a tier's threshold: its review has begun.
    director = caller(company, open_page(locale=LANGUAGES[language]), "wang_wei", "write")
    (task,) = [t for t in director("GET", "/api/v1/tasks").json()["items"] if t["node"] == "sales_review"]
    assert call("POST", f"/api/v1/tasks/{task['id']}/complete", {"outcome": "approve"}).status == 403
    assert director("POST", f"/api/v1/tasks/{task['id']}/complete", {"outcome": "approve"}).status == 204
    assert director("POST", f"/api/v1/tasks/{task['id']}/complete", {"outcome": "approve"}).status == 409


def caller(company: Company, page: Page, login: str, scope: str) -> Callable[..., Any]:
    """Calls the API with a new token of a person, made on the page of the person's account."""
    company.enter(page, login, "/account")
    assert_accessible(page)
    page.fill("[name=label]", "script")
    page.select_option("#scope", scope)
    page.locator("form:has([name=label]) button").last.click()
    page.wait_for_selector("code:has-text('dgt_')")
    token = page.locator("code:has-text('dgt_')").inner_text()
    assert_accessible(page)
    request: APIRequestContext = page.context.request

    def call(method: str, path: str, data: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        return request.fetch(company.address + path, method=method, headers=headers, data=data)

    return call
