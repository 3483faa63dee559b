"""Makes the sample data of the KAM app: ``python -m tests.apps.kam.generate_data [FOLDER]``.

A plausible Chinese supplier of automation equipment with 120 accounts and three years of business, the same on
every run. Dates are relative to ``AS_OF``; loading shifts them to the day of loading.
"""

from __future__ import annotations

import csv
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

FOLDER = Path("apps/kam_template/data")
AS_OF = date(2026, 11, 20)
SEED = 20261120
YEARS = 3

MANAGERS = ("li_na", "zhao_lei", "sun_min", "zhou_kai")
INDUSTRIES = (
    ("auto", "汽车制造", 4),
    ("battery", "动力电池", 5),
    ("solar", "光伏", 4),
    ("semicon", "半导体", 5),
    ("appliance", "家用电器", 3),
    ("food", "食品饮料", 3),
    ("pharma", "医药", 4),
    ("machinery", "工程机械", 3),
    ("logistics", "物流仓储", 4),
    ("textile", "纺织", 2),
)
CITIES = (
    "上海",
    "深圳",
    "苏州",
    "杭州",
    "宁波",
    "广州",
    "成都",
    "武汉",
    "重庆",
    "西安",
    "青岛",
    "天津",
    "合肥",
    "长沙",
    "无锡",
    "常州",
)
STEMS = (
    "华辰 恒远 天工 瑞丰 中科 明德 启航 鼎新 盛泰 联创 东方 金石 凌云 博睿 海川 星宇 国信 安泰 永兴 嘉禾 "
    "万通 新锐 泰和 汇智 长风 远景 宏图 立信 智行 沃达"
).split()
SUFFIXES = {
    "auto": ("汽车零部件", "车身系统"),
    "battery": ("新能源", "动力电池"),
    "solar": ("光伏科技", "太阳能"),
    "semicon": ("半导体", "微电子"),
    "appliance": ("电器", "智能家电"),
    "food": ("食品", "饮料"),
    "pharma": ("药业", "生物科技"),
    "machinery": ("重工", "智能装备"),
    "logistics": ("物流", "仓储设备"),
    "textile": ("纺织", "印染"),
}
SIZES = ("micro", "small", "medium", "large", "giant")
PRODUCTS = (
    ("HW-101", "六轴机械臂 A6", "hardware", "128000"),
    ("HW-102", "协作机器人 C5", "hardware", "86000"),
    ("HW-103", "SCARA 机器人 S4", "hardware", "42000"),
    ("HW-110", "移动底盘 AGV-300", "hardware", "95000"),
    ("HW-120", "视觉检测工作站", "hardware", "156000"),
    ("HW-130", "PLC 控制器 P20", "hardware", "6800"),
    ("HW-131", "伺服驱动器 D7", "hardware", "3950"),
    ("HW-132", "触摸屏 HMI-10", "hardware", "2280"),
    ("HW-140", "激光打标机", "hardware", "73000"),
    ("HW-150", "输送线模块", "hardware", "18600"),
    ("SW-201", "产线监控软件（年）", "software", "36000"),
    ("SW-202", "预测性维护（年）", "software", "58000"),
    ("SW-203", "数字孪生建模", "software", "120000"),
    ("SW-204", "MES 接口授权", "software", "24000"),
    ("SV-301", "安装调试（人日）", "service", "2600"),
    ("SV-302", "驻场运维（月）", "service", "32000"),
    ("SV-303", "操作培训（场）", "service", "9800"),
    ("SV-304", "年度保养", "service", "15800"),
    ("SP-401", "谐波减速器", "spare", "4200"),
    ("SP-402", "编码器", "spare", "880"),
    ("SP-403", "动力线缆包", "spare", "365.5"),
    ("SP-404", "末端夹爪", "spare", "5600"),
    ("SP-405", "真空吸盘组", "spare", "198.25"),
    ("SP-406", "安全光栅", "spare", "1480"),
)
SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗"
GIVEN = "伟 芳 娜 敏 静 磊 洋 勇 艳 杰 娟 涛 明 超 霞 平 刚 桂英 文博 思远 雨桐 子涵 浩然 欣怡 建国 海燕".split()
POSTS = ("采购经理", "生产总监", "设备主管", "总经理", "技术总监", "财务经理", "工厂厂长")
ROLES = ("decider", "influencer", "user", "gatekeeper")
TICKETS = {
    "fault": ("机械臂报警停机", "视觉误检率升高", "伺服过热", "通讯中断", "夹爪掉件"),
    "question": ("参数如何备份", "能否对接 MES", "示教模式咨询", "软件升级步骤"),
    "delivery": ("备件到货时间", "安装排期确认", "缺少附件"),
    "billing": ("发票抬头修改", "对账差异", "付款节点确认"),
}
TALKS = {
    "call": ("例行回访", "确认交期", "了解新产线计划"),
    "mail": ("发送方案", "报价说明", "会议纪要确认"),
    "meeting": ("季度业务回顾", "技术交流会", "需求澄清会"),
    "visit": ("现场拜访", "高层互访", "设备巡检"),
    "web": ("下载白皮书", "参加线上研讨会", "浏览新品页面"),
}
COMMENTS = {
    "high": ("响应很快，现场工程师专业。", "产品稳定，愿意推荐。", "合作顺畅。"),
    "middle": ("总体不错，交期可以再快些。", "备件价格偏高。", "培训内容可再深入。"),
    "low": ("同类故障反复出现，希望彻底解决。", "售后响应太慢。", "上线后效果不及预期。"),
}


@dataclass(slots=True)
class Account:
    """One account while its business is being made up."""

    code: str
    name: str
    industry: str
    size: str
    owner: str
    # Yearly volume aimed at, in CNY.
    volume: int
    # Change of the volume from the first year to the last.
    trend: float
    # Days between the last order and AS_OF.
    quiet: int
    lines: list[tuple[str, str, str, int, Decimal]] = field(default_factory=list)


class Maker:
    """Makes the files one after another from one stream of random numbers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.random = random.Random(SEED)
        self.accounts = list(self._accounts())

    def run(self) -> None:
        """Writes all CSV files."""
        self._write("industry", ("code", "name", "outlook"), INDUSTRIES)
        self._write("product", ("code", "name", "kind", "price"), PRODUCTS)
        self._orders()
        self._write_accounts()
        for make in (self._contacts, self._contracts, self._projects, self._tickets, self._interactions, self._surveys):
            make()

    # -- accounts and orders ---------------------------------------------------------------------------------------

    def _accounts(self) -> Iterator[Account]:
        names: set[str] = set()
        for number in range(1, 121):
            industry = INDUSTRIES[number % len(INDUSTRIES)][0]
            name = ""
            while not name or name in names:
                stem, suffix = self.random.choice(STEMS), self.random.choice(SUFFIXES[industry])
                name = f"{self.random.choice(CITIES)}{stem}{suffix}有限公司"
            names.add(name)
            volume = int(self.random.paretovariate(1.05) * 130_000)
            yield Account(
                code=f"A{number:04d}",
                name=name,
                industry=industry,
                size=SIZES[min(4, max(0, len(str(volume)) - 5 + self.random.choice((0, 0, 1))))],
                owner=MANAGERS[(number - 1) % len(MANAGERS)],
                volume=min(volume, 9_500_000),
                trend=self.random.uniform(-0.45, 0.8),
                quiet=self.random.choice((2, 5, 9, 14, 20, 26, 33, 45, 70, 120)),
            )

    def _orders(self) -> None:
        orders, lines = [], []
        number = 0
        for account in self.accounts:
            for day in self._order_days(account):
                number += 1
                key = f"SO{day:%Y}{number:05d}"
                status = self._status(day)
                orders.append((key, account.code, day, status, account.owner))
                for product, quantity, price in self._order_lines(account, day):
                    lines.append((key, product, quantity, price))
                    account.lines.append((day.isoformat(), status, product, quantity, price))
            number = self._boundary_order(account, number, orders, lines)
        self._write("order", ("number", "account", "date", "status", "owner"), orders)
        self._write("order_line", ("order", "product", "quantity", "price"), lines)

    def _order_days(self, account: Account) -> list[date]:
        per_year = max(2, min(14, round(account.volume / 90_000) + self.random.randint(1, 4)))
        last = AS_OF - timedelta(days=account.quiet)
        first = AS_OF - timedelta(days=365 * YEARS - 20)
        days = {first + timedelta(days=self.random.randint(0, (last - first).days)) for _ in range(per_year * YEARS)}
        return sorted(days | {last})

    def _order_lines(self, account: Account, day: date) -> Iterator[tuple[str, int, Decimal]]:
        year = (AS_OF - day).days / 365
        factor = 1 + account.trend * (1 - year / YEARS)
        wanted = account.volume * factor / max(2, min(14, round(account.volume / 90_000) + 2))
        kinds = self.random.sample(PRODUCTS, k=self.random.randint(1, 4))
        for code, _, _, price in kinds:
            share = wanted / len(kinds) * self.random.uniform(0.6, 1.4)
            discount = Decimal(self.random.choice(("1", "0.98", "0.95", "0.9")))
            yield code, max(1, round(share / float(price))), (Decimal(price) * discount).quantize(Decimal("0.01"))

    def _status(self, day: date) -> str:
        if self.random.random() < 0.03:
            return "cancelled"
        return "paid" if (AS_OF - day).days > 45 else "confirmed"

    def _boundary_order(self, account: Account, number: int, orders: list, lines: list) -> int:  # type: ignore[type-arg]
        """Brings the first account to just below the S tier, so that one order lifts it over."""
        if account is not self.accounts[0]:
            return number
        missing = Decimal("4960000") - self._volume(account, AS_OF)
        if missing <= 0:
            raise SystemExit("the first account is over the boundary already: choose another seed")
        day = AS_OF - timedelta(days=12)
        number += 1
        key = f"SO{day:%Y}{number:05d}"
        orders.append((key, account.code, day, "confirmed", account.owner))
        lines.append((key, "SW-203", 1, missing))
        account.lines.append((day.isoformat(), "confirmed", "SW-203", 1, missing))
        return number

    @staticmethod
    def _volume(account: Account, until: date) -> Decimal:
        since = date(until.year - 1, until.month, until.day).isoformat()
        taken = (line for line in account.lines if since < line[0] <= until.isoformat() and line[1] != "cancelled")
        return sum((quantity * price for _, _, _, quantity, price in taken), Decimal(0))

    def _write_accounts(self) -> None:
        rows = []
        for account in self.accounts:
            volume = self._volume(account, AS_OF)
            tier = "S" if volume >= 5_000_000 else "A" if volume >= 1_000_000 else "B"
            founded = date(self.random.randint(1995, 2018), self.random.randint(1, 12), self.random.randint(1, 28))
            rows.append(
                (
                    account.code,
                    account.name,
                    account.industry,
                    account.size,
                    account.name[:2],
                    account.owner,
                    founded,
                    AS_OF - timedelta(days=self.random.randint(365 * YEARS, 365 * 8)),
                    self.random.choice(("growing", "mature", "mature")) if account.quiet < 60 else "dormant",
                    (volume * Decimal(self.random.choice(("0.05", "0.08", "0.12", "0.2")))).quantize(Decimal("0.01")),
                    tier,
                    AS_OF - timedelta(days=self.random.randint(30, 300)),
                    f"021-{self.random.randint(50000000, 69999999)}",
                )
            )
        columns = (
            *("code", "name", "industry", "size", "region", "owner", "founded", "partner_since", "lifecycle"),
            *("service_cost", "tier", "tier_since", "phone"),
        )
        self._write("account", columns, rows)

    # -- what hangs on an account ----------------------------------------------------------------------------------

    def _contacts(self) -> None:
        rows = []
        for account in self.accounts:
            for place in range(self.random.randint(1, 3)):
                name = self.random.choice(SURNAMES) + self.random.choice(GIVEN)
                mail = f"contact{len(rows) + 1}@example.com"
                phone = f"139{self.random.randint(10000000, 99999999)}"
                rows.append((account.code, name, self.random.choice(POSTS), ROLES[place], phone, mail, account.owner))
        self._write("contact", ("account", "name", "title", "role", "phone", "email", "owner"), rows)

    def _contracts(self) -> None:
        rows = []
        for account in self.accounts[::1]:
            if account.volume < 150_000:
                continue
            start = AS_OF - timedelta(days=self.random.randint(20, 700))
            amount = Decimal(account.volume * 2 // 10_000 * 10_000)
            ends = start + timedelta(days=730)
            rows.append((f"HT{len(rows) + 1:04d}", account.code, "年度框架协议", amount, start, ends, account.owner))
        self._write("contract", ("number", "account", "name", "amount", "starts_on", "ends_on", "owner"), rows)

    def _projects(self) -> None:
        rows = []
        for account in self.random.sample(self.accounts, k=60):
            start = AS_OF - timedelta(days=self.random.randint(10, 900))
            end = start + timedelta(days=self.random.randint(60, 260))
            status = "done" if end < AS_OF else "running"
            name = self.random.choice(("焊接产线改造", "视觉检测导入", "智能仓储一期", "老线数字化", "机器人上下料"))
            rows.append((f"{account.name[2:4]}{name}", account.code, status, start, end, account.owner))
        self._write("project", ("name", "account", "status", "starts_on", "ends_on", "owner"), rows)

    def _tickets(self) -> None:
        rows = []
        for _ in range(420):
            account = self.random.choice(self.accounts)
            category = self.random.choice(tuple(TICKETS))
            opened = self._moment(900)
            hours = self.random.choice((1, 2, 3, 5, 8, 20, 30, 52))
            solved = opened + timedelta(hours=hours)
            done = solved.date() < AS_OF - timedelta(days=3)
            rows.append(
                (
                    account.code,
                    self.random.choice(TICKETS[category]),
                    category,
                    "urgent" if self.random.random() < 0.15 else "normal",
                    "resolved" if done else "open",
                    opened.isoformat(sep=" "),
                    solved.isoformat(sep=" ") if done else "",
                    account.owner,
                )
            )
        columns = ("account", "title", "category", "urgency", "status", "opened_at", "resolved_at", "owner")
        self._write("ticket", columns, sorted(rows, key=lambda row: row[5]))

    def _interactions(self) -> None:
        rows = []
        for _ in range(900):
            account = self.random.choice(self.accounts)
            kind = self.random.choice(tuple(TALKS))
            sentiment = self.random.choices(("positive", "neutral", "negative"), (5, 4, 1))[0]
            at = self._moment(800).isoformat(sep=" ")
            rows.append((account.code, kind, self.random.choice(TALKS[kind]), at, sentiment, account.owner))
        columns = ("account", "kind", "subject", "happened_at", "sentiment", "owner")
        self._write("interaction", columns, sorted(rows, key=lambda row: row[3]))

    def _surveys(self) -> None:
        rows = []
        for _ in range(300):
            account = self.random.choice(self.accounts)
            score = self.random.choices(range(11), (1, 0, 1, 1, 2, 3, 4, 9, 12, 14, 10))[0]
            mood = "high" if score >= 9 else "middle" if score >= 7 else "low"
            rows.append((account.code, score, self.random.choice(COMMENTS[mood]), account.owner))
        dated = [(*row, self._moment(700)) for row in rows]
        self._write("survey", ("account", "score", "comment", "owner", "answered_at"), dated)

    def _moment(self, days: int) -> datetime:
        day = AS_OF - timedelta(days=self.random.randint(1, days))
        return datetime(day.year, day.month, day.day, self.random.randint(8, 18), self.random.choice((0, 10, 25, 40)))

    def _write(
        self, name: str, columns: Sequence[str], rows: Sequence[Sequence[object] | Mapping[str, object]]
    ) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(rows)


if __name__ == "__main__":
    Maker(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER).run()
