// A chart: ECharts options (data only) in a JSON block; colours come from the theme, a click leads to the mark's records.
import { BarChart, LineChart, PieChart, ScatterChart } from "echarts/charts";
import { AriaComponent, DatasetComponent, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent, TitleComponent, TooltipComponent, VisualMapComponent } from "echarts/components";
import { init, use, type EChartsType } from "echarts/core";
import { CanvasRenderer, SVGRenderer } from "echarts/renderers";

use([BarChart, LineChart, PieChart, ScatterChart, AriaComponent, DatasetComponent, GridComponent, LegendComponent, MarkAreaComponent, MarkLineComponent, TitleComponent, TooltipComponent, VisualMapComponent, SVGRenderer, CanvasRenderer]);

type Shape = { style: string; scale: number | null; currency: string; compact: boolean };
type About = { type: string; locale: string; formats: Record<string, Shape>; drill?: string; keys?: string[] };
type Series = { type: string; name?: string; data?: unknown[]; yAxisIndex?: number; tone?: string; muted?: boolean };
type Options = Record<string, unknown> & { dougong: About; series: Series[]; xAxis?: unknown; yAxis?: unknown; tooltip?: object };

const MANY = 2000;
const HUES = ["accent", "teal-fg", "amber-fg", "violet-fg", "pink-fg", "green-fg", "orange-fg", "red-fg", "gray-fg"];

export function mount(element: HTMLElement): void {
  // Fragments come without script elements, so there the data stand in a hidden one.
  const source = element.querySelector('script[type="application/json"], .chart-data');
  if (!source?.textContent) return;
  const options = JSON.parse(source.textContent) as Options;
  const canvas = document.createElement("div");
  canvas.className = "chart";
  element.append(canvas);
  const marks = options.series.reduce((sum, series) => sum + (series.data?.length ?? 0), 0);
  const chart = init(canvas, null, { renderer: marks > MANY ? "canvas" : "svg" });
  const draw = () => chart.setOption(themed(options), { notMerge: true });
  draw();
  follow(chart, options.dougong);
  new ResizeObserver(() => chart.resize()).observe(canvas);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  new MutationObserver(draw).observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme"] });
}

// The options with the page's colours and fonts, and numbers as people write them.
function themed(options: Options): object {
  const style = getComputedStyle(document.documentElement);
  const colour = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const about = options.dougong;
  const axis = (given: unknown) => dress(given, about, options.series, colour);
  return {
    color: HUES.map(colour),
    textStyle: { fontFamily: colour("font"), color: colour("text-2") },
    ...options,
    animation: !matchMedia("(prefers-reduced-motion: reduce)").matches,
    legend: { ...(options.legend as object), textStyle: { color: colour("text-2") }, pageTextStyle: { color: colour("text-2") } },
    tooltip: { confine: true, renderMode: "richText", backgroundColor: colour("bg-raised"), borderColor: colour("line"), textStyle: { color: colour("text") }, ...options.tooltip, ...tooltip(options) },
    series: options.series.map((one) => ({ ...toned(one, colour), label: { ...(one as { label?: object }).label, color: colour("text-2"), textBorderWidth: 0 } })),
    ...(options.xAxis ? { xAxis: axis(options.xAxis) } : {}),
    ...(options.yAxis ? { yAxis: axis(options.yAxis) } : {}),
  };
}

// Names of colours that options state, where the theme calls them otherwise.
const TONES: Record<string, string> = { purple: "violet", yellow: "amber", gold: "amber", cyan: "teal" };

// A series, or parts of a pie, in the colour of the option that they stand for; what is only compared with stays pale.
function toned(series: Series, colour: (name: string) => string): object {
  // Grey as text is too heavy for an area.
  const hue = (tone: string) => colour(/^gr[ae]y$/.test(tone) ? "line-control" : `${TONES[tone] ?? tone}-fg`);
  if (series.muted) return { ...series, itemStyle: { color: colour("line-strong") }, lineStyle: { color: colour("line-strong"), type: "dashed" } };
  if (series.tone) return { ...series, itemStyle: { color: hue(series.tone) }, lineStyle: { color: hue(series.tone) } };
  if (series.type !== "pie") return series;
  const parts = (series.data ?? []) as { tone?: string }[];
  return { ...series, data: parts.map((part) => (part.tone ? { ...part, itemStyle: { color: hue(part.tone) } } : part)) };
}

function dress(given: unknown, about: About, series: Series[], colour: (name: string) => string): unknown {
  if (Array.isArray(given)) return given.map((one, index) => dressOne(one, about, series.find((s) => (s.yAxisIndex ?? 0) === index)?.name, colour));
  return dressOne(given as Record<string, unknown>, about, series[0]?.name, colour);
}

function dressOne(axis: Record<string, unknown>, about: About, series: string | undefined, colour: (name: string) => string): object {
  const lines = { axisLine: { lineStyle: { color: colour("line-strong") } }, splitLine: { lineStyle: { color: colour("line") } }, nameTextStyle: { color: colour("text-2") } };
  const label: Record<string, unknown> = { color: colour("text-2"), hideOverlap: true };
  if (axis.type === "value") {
    const shape = about.formats[(axis.name as string) ?? ""] ?? about.formats[series ?? ""] ?? Object.values(about.formats)[0];
    label.formatter = (value: number) => number(value, { ...shape, compact: true } as Shape, about.locale);
  }
  const nameTextStyle = { ...lines.nameTextStyle, ...(axis.nameTextStyle as object) };
  return { ...lines, ...axis, nameTextStyle, axisLabel: { ...label, ...(axis.axisLabel as object) }, splitLine: { ...lines.splitLine, ...(axis.splitLine as object) } };
}

function tooltip(options: Options): object {
  const { formats, locale } = options.dougong;
  const shapes = Object.entries(formats);
  const of = (name: string | undefined) => formats[name ?? ""] ?? shapes.find(([key]) => name?.endsWith(`· ${key}`))?.[1] ?? shapes[0]?.[1];
  if (options.dougong.type === "scatter") {
    return {
      formatter: (mark: { value: unknown[] }) => {
        const values = mark.value;
        const lines = shapes.map(([name, shape], index) => `${name}: ${number(values[index] as number, shape, locale)}`);
        return [String(values[values.length - 2]), ...lines].join("\n");
      },
    };
  }
  return {
    formatter: (given: Mark | Mark[]) => {
      const marks = Array.isArray(given) ? given : [given];
      const lines = marks.map((mark) => `${mark.seriesName}: ${number(mark.data?.value ?? null, of(mark.seriesName), locale)}`);
      return [marks[0]?.name ?? "", ...lines].join("\n");
    },
  };
}

type Mark = { name: string; seriesName: string; data: { value: number | null } | null };

function number(value: number | null | undefined, shape: Shape | undefined, locale: string): string {
  if (value === null || value === undefined) return "–";
  const digits = shape?.scale ?? undefined;
  const percent = shape?.style === "percent";
  const few = shape?.compact && !percent;
  const form = new Intl.NumberFormat(locale === "zh" ? "zh-CN" : locale, {
    style: percent ? "percent" : shape?.currency && !few ? "currency" : "decimal",
    currency: shape?.currency || undefined,
    // The yuan and the yen share a sign: it is the yuan's.
    currencyDisplay: shape?.currency === "CNY" ? "narrowSymbol" : "symbol",
    notation: few ? "compact" : "standard",
    minimumFractionDigits: few ? undefined : digits,
    maximumFractionDigits: few ? 1 : (digits ?? 2),
  });
  return form.format(value);
}

function follow(chart: EChartsType, about: About): void {
  const { drill, keys } = about;
  if (!drill || !keys) return;
  chart.on("click", (mark) => {
    const data = mark.data as { row?: number } | unknown[] | null;
    const row = Array.isArray(data) ? (data[data.length - 1] as number) : data?.row;
    if (typeof row === "number" && keys[row] !== undefined) location.assign(`${drill}&${keys[row]}`);
  });
}
