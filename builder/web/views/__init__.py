"""Views of records that are no tables: board, calendar, Gantt chart, tree, organisation chart, graph, gallery."""
