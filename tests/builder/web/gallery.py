"""A small app of its own for the pages' tests: books, loans, a review process, a public wish list."""

from __future__ import annotations

import json
from typing import Any

from builder.definitions import source_of


def text(zh: str, en: str) -> dict[str, str]:
    """A text in both languages."""
    return {"zh": zh, "en": en}


def field(name: str, type: str, zh: str, en: str, **more: Any) -> dict[str, Any]:
    """A field of a form."""
    return {"name": name, "type": type, "label": text(zh, en), **more}


def option(name: str, zh: str, en: str, color: str = "") -> dict[str, Any]:
    """An option of a choice."""
    return {"name": name, "label": text(zh, en), **({"color": color} if color else {})}


STATES = [
    option("new", "新书", "New", "blue"),
    option("lent", "借出", "Lent", "amber"),
    option("lost", "遗失", "Lost", "red"),
]
BOOK: dict[str, Any] = {
    "name": "book",
    "label": text("图书", "Book"),
    "plural": text("图书", "Books"),
    "title": "title",
    "fields": [
        field("title", "text", "书名", "Title", required=True, search=True, max_length=80),
        field("isbn", "text", "书号", "ISBN", unique=True, search=True),
        field("state", "choice", "状态", "State", options=STATES, default='"new"'),
        field("price", "money", "价格", "Price", currency="CNY", scale=2, min=0),
        field("pages", "number", "页数", "Pages", scale=0, min=1),
        field("published", "date", "出版日期", "Published"),
        field("signed", "boolean", "签名本", "Signed"),
        field("signed_by", "text", "签名人", "Signed by", visible="signed = true"),
        field("tags", "tags", "标签", "Tags"),
        field("note", "long_text", "备注", "Note"),
        field(
            "copies",
            "subtable",
            "副本",
            "Copies",
            fields=[
                field("shelf", "text", "书架", "Shelf", required=True),
                field("count", "number", "数量", "Count", scale=0, default="1"),
            ],
        ),
        field("total", "formula", "副本总数", "Copies in all", formula="sum(copies.count)", result="number"),
        field(
            "level", "choice", "等级", "Level", options=[option("a", "甲", "A"), option("b", "乙", "B")], read_only=True
        ),
        field("keeper", "person", "保管人", "Keeper"),
        field("twice", "formula", "两本价", "Price of two", formula="price * 2", result="money"),
        field("loaned", "rollup", "借阅次数", "Loans so far", relation="loans", aggregate="count", result="number"),
    ],
    "relations": [{"name": "loans", "form": "loan", "field": "book", "label": text("借阅", "Loans")}],
    "constraints": [
        {
            "name": "dear",
            "condition": "price = null or price < 10000",
            "message": text("价格必须低于一万元", "The price must be below 10,000"),
            "fields": ["price"],
        }
    ],
    "layouts": [
        {
            "name": "edit",
            "purpose": "edit",
            "items": [
                {
                    "type": "section",
                    "name": "main",
                    "label": text("基本信息", "Basics"),
                    "columns": 2,
                    "items": [
                        {"field": n}
                        for n in ("title", "isbn", "state", "price", "pages", "published", "signed", "signed_by")
                    ],
                },
                {
                    "type": "section",
                    "name": "more",
                    "label": text("更多", "More"),
                    "columns": 2,
                    "items": [
                        {"field": "tags"},
                        {"field": "keeper"},
                        {"field": "note", "span": 2},
                        {"field": "copies"},
                        {"field": "total"},
                    ],
                },
            ],
        },
        {
            "name": "page",
            "purpose": "page",
            "items": [
                {
                    "type": "section",
                    "name": "facts",
                    "label": text("资料", "Facts"),
                    "columns": 3,
                    "items": [
                        {"field": n}
                        for n in ("title", "isbn", "state", "price", "pages", "total", "level", "keeper", "copies")
                    ],
                },
                {
                    "type": "related",
                    "name": "loans",
                    "relation": "loans",
                    "label": text("借阅", "Loans"),
                    "columns": ["reader", "until"],
                },
                {"type": "timeline", "name": "timeline", "label": text("动态", "Timeline"), "relations": ["loans"]},
            ],
        },
        {
            "name": "review",
            "purpose": "review",
            "items": [
                {"type": "section", "name": "r", "items": [{"field": "title"}, {"field": "price"}, {"field": "note"}]}
            ],
        },
    ],
    "views": [
        {
            "name": "all",
            "label": text("全部", "All"),
            "columns": ["title", "state", "price", "pages", "published"],
            "sort": [{"field": "title"}],
        },
        {"name": "lent", "label": text("借出", "Lent"), "columns": ["title", "price"], "filter": 'state = "lent"'},
    ],
    "permissions": [
        {"role": "librarian", "operations": ["see", "create", "edit", "delete", "share", "comment"]},
        {"role": "reader", "operations": ["see"], "fields": [{"name": "price", "access": "hidden"}]},
        {"role": "app", "operations": ["see", "create", "edit"]},
    ],
}
LOAN: dict[str, Any] = {
    "name": "loan",
    "label": text("借阅", "Loan"),
    "plural": text("借阅", "Loans"),
    "title": "reader",
    "dated_by": "until",
    "fields": [
        field("book", "reference", "图书", "Book", form="book", required=True),
        field("reader", "text", "读者", "Reader", required=True, search=True),
        field("until", "date", "归还日期", "Until"),
    ],
    "views": [{"name": "all", "label": text("全部", "All"), "columns": ["reader", "book", "until"]}],
    "permissions": [
        {"role": "librarian", "operations": ["see", "create", "edit", "delete"]},
        {"role": "reader", "operations": ["see"], "rows": "owner = me"},
    ],
}
WISH: dict[str, Any] = {
    "name": "wish",
    "label": text("荐书", "Wish"),
    "plural": text("荐书", "Wishes"),
    "title": "what",
    "fields": [
        field("book", "reference", "图书", "Book", form="book"),
        field("what", "text", "想看什么书？", "Which book would you like?", required=True),
        field(
            "score", "number", "您对我们满意吗？", "How content are you with us?", scale=0, min=0, max=10, required=True
        ),
        field("secret", "text", "内部备注", "Internal note"),
    ],
    "layouts": [
        {
            "name": "public",
            "purpose": "public",
            "items": [
                {
                    "type": "section",
                    "name": "m",
                    "label": text("荐书单", "Wish list"),
                    "columns": 1,
                    "items": [{"field": "what"}, {"field": "score"}],
                }
            ],
        }
    ],
    "views": [{"name": "all", "label": text("全部", "All"), "columns": ["what", "score", "book"]}],
    "public": {"layout": "public", "prefill": ["book"], "message": text("谢谢！", "Thanks!")},
    "permissions": [
        {"role": "librarian", "operations": ["see", "create", "edit", "share"]},
        {"role": "public", "operations": ["create"]},
    ],
}
OUTCOMES = [
    {"name": "approve", "label": text("同意", "Approve"), "meaning": "approve"},
    {"name": "reject", "label": text("驳回", "Reject"), "comment": "required", "meaning": "reject"},
]
REVIEW: dict[str, Any] = {
    "name": "review",
    "label": text("采购评审", "Purchase review"),
    "subject": "book",
    "nodes": [
        {"name": "start", "type": "startEvent", "label": text("提交", "Submitted")},
        {
            "name": "check",
            "type": "userTask",
            "label": text("馆长审核", "Check by the head"),
            "form": "book",
            "layout": "review",
            "assignment": {"role": "head"},
            "outcomes": OUTCOMES,
            "fields": [{"name": "note", "access": "write"}],
            "due": 'duration("P3D")',
        },
        {"name": "end", "type": "endEvent", "label": text("结束", "End")},
    ],
    "flows": [{"name": "f1", "from": "start", "to": "check"}, {"name": "f2", "from": "check", "to": "end"}],
    "diagram": {
        "nodes": {
            "start": {"x": 20, "y": 42, "width": 36, "height": 36},
            "check": {"x": 110, "y": 20, "width": 110, "height": 80},
            "end": {"x": 270, "y": 42, "width": 36, "height": 36},
        },
        "flows": {"f1": [[56, 60], [110, 60]], "f2": [[220, 60], [270, 60]]},
    },
}
LEVEL: dict[str, Any] = {
    "name": "level",
    "label": text("等级", "Level"),
    "inputs": [{"name": "price", "type": "number", "label": text("价格", "Price")}],
    "decisions": [
        {
            "name": "level",
            "table": {
                "hit_policy": "FIRST",
                "inputs": [{"name": "price", "expression": "price", "type": "number", "label": text("价格", "Price")}],
                "outputs": [{"name": "level", "type": "text", "values": ["a", "b"], "label": text("等级", "Level")}],
                "rules": [
                    {"name": "dear", "when": [">= 100"], "then": ['"a"']},
                    {"name": "rest", "when": ["-"], "then": ['"b"']},
                ],
            },
        }
    ],
}
APP = {
    "name": "library",
    "version": "1.0.0",
    "label": text("图书馆", "Library"),
    "description": text("图书、借阅与荐书", "Books, loans and wishes"),
    "menu": [
        {"name": "books", "label": text("图书", "Books"), "form": "book", "view": "all"},
        {
            "name": "desk",
            "label": text("柜台", "Desk"),
            "items": [{"name": "loans", "label": text("借阅", "Loans"), "form": "loan"}],
        },
        {"name": "wishes", "label": text("荐书", "Wishes"), "form": "wish"},
    ],
}
ROLES = {
    "roles": [
        {"name": n, "label": text(zh, en)}
        for n, zh, en in (("librarian", "馆员", "Librarian"), ("reader", "读者", "Reader"), ("head", "馆长", "Head"))
    ]
}
DOCUMENTS: dict[str, Any] = {
    "app.json": APP,
    "library.roles.json": ROLES,
    "book.form.json": BOOK,
    "loan.form.json": LOAN,
    "wish.form.json": WISH,
    "review.process.json": REVIEW,
    "level.decision.json": LEVEL,
}


def library() -> Any:
    """The app, ready to be installed."""
    return source_of({path: json.dumps(data, ensure_ascii=False, indent=1) for path, data in DOCUMENTS.items()})
