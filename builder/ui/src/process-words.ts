// Chinese for the texts of bpmn-js; the words for BPMN are those of the rest of the product.
const EVENTS: Record<string, string> = {
  Cancel: "取消", Compensation: "补偿", Conditional: "条件", Error: "错误", Escalation: "升级", Link: "链接",
  Message: "消息", Signal: "信号", Terminate: "终止", Timer: "定时",
};
const PLACES: Record<string, string> = {
  "boundary event": "边界事件", "boundary event (non-interrupting)": "边界事件（非中断）", "end event": "结束事件",
  "intermediate catch event": "中间捕获事件", "intermediate throw event": "中间抛出事件",
  "start event": "开始事件", "start event (non-interrupting)": "开始事件（非中断）",
};
const composed = Object.entries(EVENTS).flatMap(([event, word]) =>
  Object.entries(PLACES).map(([place, text]) => [`${event} ${place}`, word + text]),
);

export const CHINESE: Record<string, string> = {
  ...Object.fromEntries(composed),
  ...Object.fromEntries(composed.map(([text, word]) => [`Append ${text[0].toLowerCase()}${text.slice(1)}`, `追加${word}`])),
  "Activate create/remove space tool": "增减空间", "Activate global connect tool": "连线工具", "Activate hand tool": "抓手工具",
  "Activate lasso tool": "框选工具", "Add lane above": "在上方加泳道", "Add lane below": "在下方加泳道", "Add text annotation": "添加文字注释",
  "Align elements": "对齐", "Align elements left": "左对齐", "Align elements right": "右对齐", "Align elements center": "水平居中",
  "Align elements top": "顶部对齐", "Align elements bottom": "底部对齐", "Align elements middle": "垂直居中",
  "Append compensation activity": "追加补偿活动", "Append end event": "追加结束事件", "Append gateway": "追加网关",
  "Append intermediate/boundary event": "追加中间/边界事件", "Append receive task": "追加接收任务", "Append task": "追加任务",
  "Change element": "更改类型", "Connect to other element": "连接到其他元素", "Connect using association": "用关联连接",
  "Create end event": "创建结束事件", "Create expanded sub-process": "创建展开的子流程", "Create gateway": "创建网关",
  "Create intermediate/boundary event": "创建中间/边界事件", "Create start event": "创建开始事件", "Create task": "创建任务",
  Delete: "删除", "Distribute elements horizontally": "水平分布", "Distribute elements vertically": "垂直分布",
  "Divide into two lanes": "分为两条泳道", "Divide into three lanes": "分为三条泳道", Loop: "循环", "Open {element}": "打开 {element}",
  "Parallel multi-instance": "并行多实例", "Sequential multi-instance": "顺序多实例", "Search in diagram": "在图中查找",
  "Toggle non-interrupting": "切换是否中断", Collection: "集合",
  "Ad-hoc sub-process": "自由子流程", "Ad-hoc sub-process (collapsed)": "自由子流程（折叠）", "Ad-hoc sub-process (expanded)": "自由子流程（展开）",
  "Boundary event": "边界事件", "Business rule task": "规则任务", "Call activity": "子流程调用", "Conditional flow": "条件连线", "Default flow": "默认连线",
  "End event": "结束事件", "Event sub-process": "事件子流程", "Event-based gateway": "事件网关", "Exclusive gateway": "排他网关",
  "Inclusive gateway": "包容网关", "Intermediate throw event": "中间抛出事件", "Manual task": "人工任务", "Parallel gateway": "并行网关",
  "Receive task": "接收任务", "Script task": "脚本任务", "Send task": "发送任务", "Sequence flow": "连线", "Service task": "服务任务",
  "Start event": "开始事件", "Sub-process": "子流程", "Sub-process (collapsed)": "子流程（折叠）", "Sub-process (expanded)": "子流程（展开）",
  Task: "任务", Transaction: "事务", "User task": "用户任务", Search: "查找", Close: "关闭",
};
