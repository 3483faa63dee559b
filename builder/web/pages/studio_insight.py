"""Insight into a process: figures of its past, the event log, and what a draft of it would come to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from decimal import Decimal
from statistics import quantiles

from flask import Blueprint, Response, abort, render_template, request, stream_with_context

from builder.definitions.compiled import compile_definition
from builder.insight import Attainment, Cases, Kept, Line, ProcessInsight, Spread, in_pieces, sheet, to_csv, to_xes
from builder.web.context import _, reading, site
from builder.web.diagrams import draw
from builder.web.names import WorkNames
from builder.web.pages.studio_texts import Frame
from builder.web.spans import span
from builder.web.studio.drafting import DraftView, problems_of, view
from engines.core import Severity
from engines.process.definition import ProcessDefinition
from engines.process.graph import CompiledProcess
from engines.process.simulation import SimulationPlan, SimulationResult

PERIODS = (30, 90, 365)
MOST_CASES = 2_000


def register(blueprint: Blueprint, frame: Frame) -> None:
    """Adds the pages to the studio."""

    @blueprint.get("/<app>/process/<process>/insight")
    def insight(app: str, process: str) -> str:
        """Figures of a period, the heat map, and a simulation where one is asked for."""
        found = view(app)
        data = found.data(f"process:{process}")
        definition = found.definitions().get("process", process)
        with reading() as work:
            looked = ProcessInsight(work, _cases(app, process, work.instant))
            figures, kept = looked.figures(), looked.attainment()
            names = WorkNames(work)
            names.learn_people([*figures.people, *filter(None, kept.people)])
            names.learn_departments(filter(None, kept.departments))
            graph = _graph(found, process) if request.args.get("cases") else None
            simulated = _simulated(looked, graph, figures.cycle) if graph else None
            people = sorted(
                ((names.person(id) or "—", person) for id, person in figures.people.items()), key=lambda row: row[0]
            )
        label = site().text(data.get("label")) or process
        busy = {name: node for name, node in figures.nodes.items() if node.duration.count or node.live}
        return render_template(
            "studio/insight.html",
            **frame(found, "overview"),
            process=process,
            process_label=label,
            figures=figures,
            kept=kept,
            kept_tables=_kept_tables(kept, definition, names),
            labels={node.name: node.label.get(site().locale) for node in definition.all_nodes()} if definition else {},
            drawing=draw(
                definition,
                heat=figures.heat(),
                notes={name: span(node.duration.p50) for name, node in busy.items() if node.duration.p50 >= 1},
                title=label,
            )
            if definition
            else "",
            people=people,
            simulated=simulated,
            broken=bool(request.args.get("cases")) and graph is None,
            roles=_roles(found),
            periods=PERIODS,
            days=_days(),
            span=span,
            share=lambda value: "—" if value is None else site().formats.percent(Decimal(str(round(value, 4))), 0),
        )

    @blueprint.get("/<app>/process/<process>/attainment.csv")
    def attainment(app: str, process: str) -> Response:
        """How well time limits were kept in the period, as a table of every combination."""
        found = view(app)
        definition = found.definitions().get("process", process)
        if definition is None:
            abort(404)
        with reading() as work:
            lines = list(ProcessInsight(work, _cases(app, process, work.instant)).attainment_lines())
            names = WorkNames(work)
            names.learn_people({line.person for line in lines if line.person})
            names.learn_departments({line.department for line in lines if line.department})
            rows = [_attainment_row(line, definition, names) for line in lines]
        response = Response("".join(sheet([_attainment_headings(), *rows])), mimetype="text/csv; charset=utf-8")
        response.headers["Content-Disposition"] = f"attachment; filename={process}-attainment.csv"
        return response

    @blueprint.get("/<app>/process/<process>/log.<kind>")
    def event_log(app: str, process: str, kind: str) -> Response:
        """The event log of the period as a file, sent while it is read: its length costs no memory."""
        found = view(app)
        definition = found.definitions().get("process", process)
        if definition is None or kind not in ("csv", "xes"):
            abort(404)
        locale = site().locale
        with reading() as work:
            # Refused before the first byte leaves.
            ProcessInsight(work, _cases(app, process, work.instant))

        def parts() -> Iterator[str]:
            with reading() as work:
                log = ProcessInsight(work, _cases(app, process, work.instant)).log(definition, locale)
                yield from to_csv(log) if kind == "csv" else to_xes(log, process)

        mimetype = "text/csv; charset=utf-8" if kind == "csv" else "application/xml"
        response = Response(stream_with_context(in_pieces(parts())), mimetype=mimetype)
        response.headers["Content-Disposition"] = f"attachment; filename={process}.{kind}"
        return response


Table = tuple[str, list[tuple[str, Kept]]]


def _kept_tables(kept: Attainment, definition: ProcessDefinition | None, names: WorkNames) -> list[Table]:
    """The tables of the page: what is counted by, and label and figures of each line."""
    steps = [(_limit_label(definition, *key), found) for key, found in kept.nodes.items()]
    months = list(kept.months.items())
    departments = [
        ((names.department(id) if id else None) or _("no department"), found) for id, found in kept.departments.items()
    ]
    people = [((names.person(id) if id else None) or _("nobody yet"), found) for id, found in kept.people.items()]
    return [
        (_("Step"), steps),
        (_("Month"), months),
        (_("Department"), sorted(departments, key=lambda row: row[0])),
        (_("Person"), sorted(people, key=lambda row: row[0])),
    ]


def _limit_label(definition: ProcessDefinition | None, node: str, limit: str) -> str:
    """The step, and the limit where the step has several."""
    found = next((n for n in definition.all_nodes() if n.name == node), None) if definition else None
    if found is None:
        return f"{node} · {limit}"
    label = found.label.get(site().locale)
    own = next((sla.label.get(site().locale) for sla in found.sla if sla.name == limit), limit)
    return label if len(found.sla) == 1 else f"{label} · {own}"


def _attainment_headings() -> list[str]:
    return [_("Month"), _("Step"), _("Department"), _("Person"), _("Met"), _("Breached"), _("Attainment"),
            _("Time used, mean (s)"), _("Time stood (s)")]  # fmt: skip


def _attainment_row(line: Line, definition: ProcessDefinition, names: WorkNames) -> list[str]:
    kept = line.kept
    return [
        line.month,
        _limit_label(definition, line.node, line.limit),
        (names.department(line.department) if line.department else None) or "",
        (names.person(line.person) if line.person else None) or "",
        str(kept.met),
        str(kept.breached),
        f"{kept.share:.4f}" if kept.share is not None else "",
        "" if kept.used_s is None else str(round(kept.used_s)),
        str(kept.paused_s),
    ]


def _days() -> int:
    asked = request.args.get("days", "")
    return int(asked) if asked.isdecimal() and int(asked) in PERIODS else PERIODS[1]


def _cases(app: str, process: str, now: datetime) -> Cases:
    zone = site().formats.zone
    first = now.astimezone(zone).date() - timedelta(days=_days())
    return Cases(app=app, process=process, since=datetime.combine(first, time(), zone))


def _graph(found: DraftView, process: str) -> CompiledProcess | None:
    """The process as the draft has it; None for one with errors, which cannot be simulated."""
    definitions = found.definitions()
    key = f"process:{process}"
    problems = problems_of(definitions, key)
    kind, definition = definitions.source.files[key].kind, definitions.get("process", process)
    if kind is None or definition is None or any(problem.severity is Severity.ERROR for problem in problems):
        return None
    graph: CompiledProcess = compile_definition(kind, definition, definitions)
    return graph


def _roles(found: DraftView) -> list[tuple[str, str]]:
    roles = [
        role
        for key, document in found.documents.items()
        if key.partition(":")[0] == "roles" and isinstance(document.data, dict)
        for role in document.data.get("roles", ())
    ]
    return [(role["name"], site().text(role.get("label")) or role["name"]) for role in roles]


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """A simulation beside what happened."""

    cases: int
    finished: int
    stuck: int
    cycle: Spread
    before: Spread
    # Median seconds of waiting and of work, and the share that was late, by node.
    nodes: Mapping[str, tuple[float, float, float]]
    # Incidents by code and node.
    incidents: Mapping[tuple[str, str], int]


def _simulated(looked: ProcessInsight, graph: CompiledProcess, before: Spread) -> Simulated:
    count = min(max(_number("cases", 200), 1), MOST_CASES)
    plan = looked.plan(graph, count=count, seed=_number("seed", 1))
    return _summed(looked.simulate(graph, _changed(plan)), count, before)


def _changed(plan: SimulationPlan) -> SimulationPlan:
    """The plan learnt with what the person assumes otherwise: busier or quieter times, people more or fewer."""
    faster = max(_number("arrivals", 100), 1) / 100
    role, more = request.args.get("role", ""), _number("people", 0)
    return replace(
        plan,
        between=[gap / faster for gap in plan.between],
        staff={role: max(-50, min(more, 50))} if role and more else {},
    )


def _number(name: str, default: int) -> int:
    text = request.args.get(name, "").strip()
    return int(text) if text.removeprefix("-").isdecimal() else default


def _summed(result: SimulationResult, count: int, before: Spread) -> Simulated:
    nodes = {visit.node for visit in result.visits}
    by_node = {node: [visit for visit in result.visits if visit.node == node] for node in nodes}
    return Simulated(
        cases=count,
        finished=len(result.cycles),
        stuck=result.ended.get("stuck", 0),
        cycle=_spread(result.cycles),
        before=before,
        nodes={
            node: (
                _spread([visit.waited for visit in visits]).p50,
                _spread([visit.worked for visit in visits]).p50,
                sum(visit.late for visit in visits) / len(visits),
            )
            for node, visits in sorted(by_node.items())
        },
        incidents=result.incidents,
    )


def _spread(values: Iterable[float]) -> Spread:
    found = sorted(values)
    if not found:
        return Spread(count=0, mean=0.0, p50=0.0, p90=0.0, p95=0.0)
    cuts = quantiles(found, n=20, method="inclusive") if len(found) > 1 else found * 19
    return Spread(count=len(found), mean=sum(found) / len(found), p50=cuts[9], p90=cuts[17], p95=cuts[18])
