// A relationship graph: records as points that push each other away, references as lines; the same stands below as a table.
import { GraphChart } from "echarts/charts";
import { LegendComponent, TooltipComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";

use([GraphChart, LegendComponent, TooltipComponent, SVGRenderer]);

type Point = { id: string; name: string; form: string; href: string; tone: string };
type Edge = { source: string; target: string; label: string };
type Data = { points: Point[]; edges: Edge[]; forms: string[] };

const HUES = ["accent", "teal-fg", "amber-fg", "violet-fg", "pink-fg", "green-fg"];
const TONES: Record<string, string> = { purple: "violet", yellow: "amber", gold: "amber", cyan: "teal", grey: "gray" };

export function mount(element: HTMLElement): void {
  const source = element.querySelector(".graph-data");
  if (!source?.textContent) return;
  const data = JSON.parse(source.textContent) as Data;
  const canvas = document.createElement("div");
  canvas.className = "graph-canvas";
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", element.dataset.label ?? "");
  element.append(canvas);
  const chart = init(canvas, null, { renderer: "svg" });
  const draw = () => chart.setOption(options(data), { notMerge: true });
  draw();
  chart.on("click", (mark) => {
    const href = (mark.data as { href?: string } | null)?.href;
    if (mark.dataType === "node" && href) location.assign(href);
  });
  new ResizeObserver(() => chart.resize()).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
}

function options(data: Data): object {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const weight = new Map<string, number>();
  for (const edge of data.edges) for (const id of [edge.source, edge.target]) weight.set(id, (weight.get(id) ?? 0) + 1);
  const few = data.points.length <= 80;
  return {
    color: HUES.map(colour),
    animation: false,
    textStyle: { fontFamily: colour("font") },
    legend: data.forms.length > 1 ? { data: data.forms, top: 8, textStyle: { color: colour("text-2") } } : undefined,
    tooltip: {
      confine: true,
      renderMode: "richText",
      backgroundColor: colour("bg-raised"),
      borderColor: colour("line"),
      textStyle: { color: colour("text") },
      formatter: (mark: { dataType: string; name: string; data: { label?: string; form?: string } }) => (mark.dataType === "edge" ? String((mark.data as { words?: string }).words ?? "") : mark.name),
    },
    series: [
      {
        type: "graph",
        layout: "force",
        top: 36,
        zoom: 0.85,
        roam: true,
        draggable: true,
        force: { repulsion: few ? 260 : 90, edgeLength: few ? 110 : 50, gravity: 0.08, layoutAnimation: false },
        categories: data.forms.map((name) => ({ name })),
        label: { show: few, position: "right", color: colour("text"), fontSize: 12, overflow: "truncate", width: 150 },
        labelLayout: { hideOverlap: true },
        emphasis: { focus: "adjacency", label: { show: true } },
        edgeSymbol: ["none", "arrow"],
        edgeSymbolSize: 7,
        lineStyle: { color: colour("line-strong"), width: 1.4, curveness: 0.08 },
        edgeLabel: { show: data.edges.length <= 30, formatter: (mark: { data: { words: string } }) => mark.data.words, color: colour("text-2"), fontSize: 11 },
        data: data.points.map((point) => ({
          id: point.id,
          name: point.name,
          href: point.href,
          category: data.forms.indexOf(point.form),
          symbolSize: 14 + Math.min(18, 3 * (weight.get(point.id) ?? 0)),
          ...(point.tone ? { itemStyle: { color: colour(`${TONES[point.tone] ?? point.tone}-fg`) } } : {}),
        })),
        links: data.edges.map((edge) => ({ source: edge.source, target: edge.target, words: edge.label })),
      },
    ],
  };
}
